// gdal_ndarray info: what a .npy or .b2nd file is, for people and (--json) for programs.

#include <cstdio>
#include <nlohmann/json.hpp>

#include "driver/raster/files/vsi_file.h"
#include "driver/raster/formats/archive_open.h"
#include "driver/raster/formats/array_format.h"
#include "driver/store/npy/npy_array.h"
#include "tools/gdal_ndarray/file_name.h"
#include "tools/gdal_ndarray/info/chunk_report.h"
#include "tools/gdal_ndarray/raster_report.h"
#include "tools/gdal_ndarray/report.h"
#include "tools/gdal_ndarray/subcommands.h"

namespace ndarray::tools {
namespace {

std::string PythonText(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

// np.memmap(...) that gives the array of a .npy file, or of one that is stored in an archive.
std::string MemmapCall(const ByteFile& file, const NpyHeader& header) {
  const FileTraits& traits = file.traits();
  const std::string& path = traits.whole_path.empty() ? file.path() : traits.whole_path;
  const std::string dtype = header.is_record ? header.dtype_text : PythonText(header.dtype_text);
  return "np.memmap(" + PythonText(path) + ", dtype=" + dtype +
         ", mode=\"r\", offset=" + std::to_string(traits.start_bytes + header.data_offset_bytes) +
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
  if (!file.traits().is_unpacked) {  // else it is nowhere as it is
    report.Add("memmap", "Memory map", MemmapCall(file, header));
  }
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

Report ListArrays(GDALDataset& dataset) {
  Report report;
  Report::Json arrays = Report::Json::array();
  std::string text;
  const CPLStringList list(CSLDuplicate(dataset.GetMetadata("SUBDATASETS")));
  for (int i = 1; i <= list.size() / 2; ++i) {
    const std::string prefix = "SUBDATASET_" + std::to_string(i);
    const std::string name = list.FetchNameValueDef((prefix + "_NAME").c_str(), "");
    const std::string what = list.FetchNameValueDef((prefix + "_DESC").c_str(), "");
    arrays.push_back({{"name", name}, {"description", what}});
    text += (text.empty() ? "" : "\n") + name + "  " + what;
  }
  report.Add("arrays", "Arrays", arrays, text);
  return report;
}

// An archive, or an array in it.
Report DescribePart(const ArrayFormat& format, const DatasetName& name, GDALDataset& dataset,
                    bool chunks) {
  const FoundPart found = Value(FindPart(format, name, {}));
  Report report;
  report.Add("archive", "Archive", CPLString(format.archive->extension).toupper());
  if (found.item.array.empty()) {
    report.Append(ListArrays(dataset));
    return report;
  }
  report.Add("array", "Array", found.item.array);
  report.Append(DescribeFile(Value(OpenNamedFile(format, name)), format, chunks));
  report.Append(DescribeRaster(dataset));
  return report;
}

}  // namespace

ExitCode Info(const InfoArguments& arguments) {
  const std::string gdal_name = GdalName(arguments.file);
  const DatasetName name = ParseName(gdal_name);
  const std::string& path = name.path;
  const DatasetPointer dataset = OpenRaster(gdal_name);
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
  if (!IsInArchive(*format, name)) {
    report.Append(DescribeFile(file, *format, arguments.chunks));
    report.Append(DescribeRaster(*dataset));
  } else {
    report.Append(DescribePart(*format, name, *dataset, arguments.chunks));
  }
  std::fputs((arguments.json ? report.AsJson() : report.AsText()).c_str(), stdout);
  return kDone;
}

}  // namespace ndarray::tools
