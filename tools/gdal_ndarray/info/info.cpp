// gdal_ndarray info: what a .npy or .b2nd file is, for people and (--json) for programs.

#include <cstdio>
#include <nlohmann/json.hpp>

#include "driver/raster/files/dataset_name.h"
#include "driver/raster/files/vsi_file.h"
#include "driver/raster/formats/array_format.h"
#include "driver/store/npy/npy_array.h"
#include "tools/gdal_ndarray/info/chunk_report.h"
#include "tools/gdal_ndarray/raster_report.h"
#include "tools/gdal_ndarray/report.h"
#include "tools/gdal_ndarray/subcommands.h"

namespace ndarray::tools {
namespace {

// The path of the file, of whatever name GDAL knows it by.
std::string FilePath(const std::string& name) {
  for (const ArrayFormat* const format : Formats()) {
    if (!HasDriverPrefix(name.c_str(), format->driver)) continue;
    return Value(ParseDatasetName(name, format->driver)).path;
  }
  return name;
}

std::string PythonText(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

// np.memmap(...) that gives the array of a .npy file.
std::string MemmapCall(const std::string& path, const NpyHeader& header) {
  const std::string dtype = header.is_record ? header.dtype_text : PythonText(header.dtype_text);
  return "np.memmap(" + PythonText(path) + ", dtype=" + dtype +
         ", mode=\"r\", offset=" + std::to_string(header.data_offset_bytes) +
         ", shape=" + ShapeString(header.shape) + (header.fortran_order ? ", order=\"F\"" : "") +
         ")";
}

Report DescribeNpyFile(const ByteFile& file) {
  const NpyHeader header = Value(ReadNpyHeader(file));
  Report report;
  report.Add("layout", "Layout", "NPY",
             "NPY, version " + std::to_string(header.major_version) + ".0");
  report.Add("shape", "Shape", ShapeJson(header.shape), ShapeString(header.shape));
  report.Add("dtype", "Dtype", header.dtype_text);
  report.Add("order", "Order", header.fortran_order ? "F" : "C");
  report.Add("array_bytes", "Bytes", NpyDataBytes(header), BytesText(NpyDataBytes(header)));
  report.Add("data_offset", "Data offset", header.data_offset_bytes,
             std::to_string(header.data_offset_bytes) + " bytes");
  report.Add("memmap", "Memory map", MemmapCall(file.path(), header));
  return report;
}

Report DescribeFile(const std::shared_ptr<ByteFile>& file,
                    [[maybe_unused]] const ArrayFormat& format, bool chunks) {
#ifdef NDARRAY_HAS_B2ND
  if (&format == &kB2ndFormat) {
    Report report = DescribeB2ndFile(file);
    if (chunks) report.Append(DescribeChunks(file));
    return report;
  }
#endif
  if (chunks) throw WrongUsage(file->path() + ": a .npy has no chunks");
  return DescribeNpyFile(*file);
}

}  // namespace

ExitCode Info(const InfoArguments& arguments) {
  const std::string path = FilePath(arguments.file);
  const DatasetPointer dataset = OpenRaster(arguments.file);
  const ArrayFormat* const format = FindFormat(dataset->GetDriverName());
  if (format == nullptr) {
    Check(Mismatch(StatusCode::kNotSupported, "format", dataset->GetDriverName(),
                   "a .npy or .b2nd file")
              .At(path));
  }
  const std::shared_ptr<ByteFile> file = Value(OpenByteFile(path));
  Report report;
  report.Add("file", "File", path);
  report.Add("file_bytes", "File size", file->size_bytes(), BytesText(file->size_bytes()));
  report.Append(DescribeFile(file, *format, arguments.chunks));
  report.Append(DescribeRaster(*dataset));
  std::fputs((arguments.json ? report.AsJson() : report.AsText()).c_str(), stdout);
  return kDone;
}

}  // namespace ndarray::tools
