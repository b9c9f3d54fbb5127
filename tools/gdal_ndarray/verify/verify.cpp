#include <cpl_string.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "driver/raster/files/vsi_file.h"
#include "driver/raster/formats/array_format.h"
#include "driver/store/npy/npy_array.h"
#ifdef NDARRAY_HAS_B2ND
#include "driver/store/blosc2/frame_header.h"
#endif
#include "tools/gdal_ndarray/file_name.h"
#include "tools/gdal_ndarray/report.h"
#include "tools/gdal_ndarray/subcommands.h"
#include "tools/gdal_ndarray/verify/against.h"
#include "tools/gdal_ndarray/verify/verify_checksum.h"
#include "tools/gdal_ndarray/verify/verify_frame.h"
#include "tools/gdal_ndarray/verify/verify_report.h"

namespace ndarray::tools {
namespace {

using Json = nlohmann::ordered_json;

// Opening it has checked all that is in it: that the header is right, and the elements are there.
bool VerifyNpy(const std::shared_ptr<ByteFile>& file, const ProgressFn& progress, Json& report) {
  const NpyHeader header = Value(ReadNpyHeader(*file));
  report["shape"] = ShapeJson(header.shape);
  report["dtype"] = header.dtype_text;
  const uint64_t data_bytes = NpyDataBytes(header);
  report["structure"] = {
      {"file_bytes", file->size_bytes()},
      {"header_bytes", header.data_offset_bytes},
      {"data_bytes", data_bytes},
      {"trailing_bytes", file->size_bytes() - header.data_offset_bytes - data_bytes}};
  report["unseen"] = {
      "a .npy has no checksums, and any bytes are values: changed ones are only found with "
      "--against, or with a checksum file beside it (convert --checksum sha256)"};
  return VerifyChecksum(*file, progress, report);
}

// By its first bytes: the driver NPY has no such option.
bool IsB2nd([[maybe_unused]] const std::string& name) {
#ifdef NDARRAY_HAS_B2ND
  const std::string path = ParseName(name).path;
  if (IsArchiveName(kB2ndFormat, path)) return true;
  const Result<std::shared_ptr<ByteFile>> file = OpenByteFile(path);
  std::string start;
  return file.ok() && (*file)->size_bytes() >= kFrameHeaderMinBytes &&
         ReadBytes(**file, 0, kFrameHeaderMinBytes, start).ok() && HasFrameMagic(start);
#else
  return false;
#endif
}

bool VerifyFile(const VerifyArguments& arguments, [[maybe_unused]] GDALDataset& dataset,
                const ProgressFn& progress, Json& report) {
  const std::string format = report["format"];
#ifdef NDARRAY_HAS_B2ND
  if (format == kB2ndFormat.driver) {
    return VerifyFrame(OpenFileOf(kB2ndFormat, arguments.file), dataset, progress, report);
  }
#endif
  if (format != kNpyFormat.driver) {
    throw Failure(arguments.file + ": found a file of the driver " + format +
                  ", wanted a .npy or .b2nd file");
  }
  return VerifyNpy(OpenFileOf(kNpyFormat, arguments.file), progress, report);
}

// Of one array; whether it is sound and, where it is compared, equal.
bool VerifyArray(const VerifyArguments& arguments, Json& report) {
  // Without comparing, which finds the first place and no other: that is done below.
  CPLStringList options;
  if (IsB2nd(arguments.file)) options.SetNameValue("VERIFY", "NO");
  const DatasetPointer dataset = OpenRaster(arguments.file, options.List());
  report = {{"file", arguments.file}, {"verdict", ""}};
  report["format"] = dataset->GetDriver()->GetDescription();
  const ProgressFn progress = ProgressOf(arguments.json || arguments.quiet);
  const bool compares = !arguments.against.empty();
  const bool sound =
      VerifyFile(arguments, *dataset, PartOf(progress, 0, compares ? 0.5 : 1), report);
  bool equal = true;
  if (compares) {
    report["against"] =
        CompareWith(*dataset, arguments.file, arguments.against, PartOf(progress, 0.5, 1));
    equal = report["against"]["equal"];
    // All values were looked at.
    if (report["against"].contains("values")) report.erase("unseen");
  }
  progress(1);
  report["verdict"] = !sound     ? "damaged"
                      : !equal   ? "different"
                      : compares ? "equal"
                                 : "no damage found";
  return sound && equal;
}

// An archive as a whole is all of its arrays, the levels of pyramids, too.
std::vector<std::string> NamesIn(const VerifyArguments& arguments) {
  std::vector<std::string> names;
  for (const ArrayFormat* const format : Formats()) {
    for (std::string& name : ArraysOf(*format, arguments.file)) names.push_back(std::move(name));
  }
  if (names.empty()) names.push_back(arguments.file);
  return names;
}

}  // namespace

ExitCode Verify(const VerifyArguments& asked) {
  VerifyArguments arguments = asked;
  arguments.file = GdalName(asked.file);
  arguments.against = asked.against.empty() ? "" : GdalName(asked.against);
  // An index chooses pixels of a file, which is verified whole.
  if (ParseName(arguments.file).part.empty()) RequirePath(arguments.file);
  const std::vector<std::string> names =
      asked.against.empty() ? NamesIn(arguments) : std::vector<std::string>{arguments.file};
  Json reports = Json::array();
  bool right = true;
  for (const std::string& name : names) {
    arguments.file = name;
    Json report;
    right = VerifyArray(arguments, report) && right;
    if (!arguments.json && !arguments.quiet) PrintReport(report);
    reports.push_back(std::move(report));
  }
  if (arguments.json) {
    const Json& all = names.size() == 1 ? reports[0] : reports;
    std::printf("%s\n", all.dump(2, ' ', false, Json::error_handler_t::replace).c_str());
  }
  return right ? kDone : kFailed;
}

}  // namespace ndarray::tools
