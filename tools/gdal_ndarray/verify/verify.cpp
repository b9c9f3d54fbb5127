#include <cpl_string.h>

#include <cstdio>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

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
#include "tools/gdal_ndarray/verify/verify_archive.h"
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

// The member that the array is in, compared with its CRC-32; nullopt where it is in none of its
// own.
std::optional<MemberCheck> CheckMemberOf(const char* driver, const std::string& name) {
  const ArrayFormat* const format = FindFormat(driver);
  if (format == nullptr) return std::nullopt;
  const std::optional<FoundPart> found = FindInArchive(*format, name);
  if (!found || found->item.array.empty()) return std::nullopt;
  const ZipMember* const member = found->archive->MemberOf(found->item.array);
  if (member == nullptr) return std::nullopt;
  const ProgressFn progress = ProgressOf(/*quiet=*/true);
  return CheckMember(Value(ZipFile::Open(found->name.path, {})), *member, progress);
}

// Of one array; whether it is sound and, where it is compared, equal. `check_member` makes or finds
// what is said of the archive's member that it is in.
using MemberCheckFn = std::function<std::optional<MemberCheck>(const char* driver)>;
bool VerifyArray(const VerifyArguments& arguments, const MemberCheckFn& check_member,
                 Json& report) {
  // Without comparing, which finds the first place and no other: that is done below.
  CPLStringList options;
  if (IsB2nd(arguments.file)) options.SetNameValue("VERIFY", "NO");
  const DatasetPointer dataset = OpenRaster(arguments.file, options.List());
  report["format"] = dataset->GetDriver()->GetDescription();
  const ProgressFn progress = ProgressOf(arguments.json || arguments.quiet);
  const bool compares = !arguments.against.empty();
  const double half = compares ? 0.5 : 1;
  bool sound = VerifyFile(arguments, *dataset, PartOf(progress, 0, half), report);
  const char* const driver = dataset->GetDriver()->GetDescription();
  if (const auto check = check_member(driver)) {
    sound = ReportMember(*check, report) && sound;
  }
  bool equal = true;
  if (compares) {
    report["against"] =
        CompareWith(*dataset, arguments.file, arguments.against, PartOf(progress, half, 1));
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

// Prints reports as they come, or all at the end.
class Reports {
 public:
  explicit Reports(const VerifyArguments& arguments)
      : prints_(!arguments.json && !arguments.quiet), json_(arguments.json) {}

  void Add(Json report) {
    if (prints_) PrintReport(report);
    all_.push_back(std::move(report));
  }

  void Finish(bool as_list) const {
    if (!json_) return;
    const Json& all = as_list ? all_ : all_[0];
    std::printf("%s\n", all.dump(2, ' ', false, Json::error_handler_t::replace).c_str());
  }

 private:
  const bool prints_, json_;
  Json all_ = Json::array();
};

// The archive, all of its members, and each array in it, the levels of pyramids, too. What cannot
// be opened does not keep the others from being verified.
bool VerifyArchive(const ArrayFormat& format, const VerifyArguments& asked, Reports& reports) {
  VerifyArguments arguments = asked;
  const FoundPart found = *FindInArchive(format, asked.file);
  const ZipFile zip = Value(ZipFile::Open(found.name.path, {}));
  const ProgressFn progress = ProgressOf(asked.json || asked.quiet);
  const MemberChecks checks = CheckMembers(zip, progress);
  Json report = {{"file", found.name.path}, {"verdict", ""}, {"format", "ZIP"}};
  bool right = ReportMembers(zip, checks, report);
  right = VerifyChecksum(zip.file(), {}, report) && right;
  progress(1);
  report["verdict"] = right ? "no damage found" : "damaged";
  reports.Add(std::move(report));
  for (const std::string& array : found.archive->names()) {
    arguments.file = FormatDatasetName(format.driver, found.name.path, array, {});
    const ZipMember* const member = found.archive->MemberOf(array);
    report = {{"file", arguments.file}, {"verdict", ""}};
    const auto known = [&](const char*) -> std::optional<MemberCheck> {
      if (member == nullptr) return std::nullopt;
      return checks.at(member->header_offset_bytes);
    };
    try {
      right = VerifyArray(arguments, known, report) && right;
    } catch (const Failure& failure) {
      StopIfInterrupted();
      // An array of texts, or whatever else opens elsewhere.
      const bool is_right =
          member != nullptr && checks.at(member->header_offset_bytes).state != "wrong";
      report = {{"file", arguments.file},
                {"verdict", is_right ? "not opened" : "damaged"},
                {"what", failure.what()}};
      right = is_right && right;
      ForgetGdalErrors();
    }
    reports.Add(std::move(report));
  }
  return right;
}

}  // namespace

ExitCode Verify(const VerifyArguments& asked) {
  VerifyArguments arguments = asked;
  arguments.file = GdalName(asked.file);
  arguments.against = asked.against.empty() ? "" : GdalName(asked.against);
  // An index chooses pixels of a file, which is verified whole.
  if (ParseName(arguments.file).part.empty()) RequirePath(arguments.file);
  Reports reports(arguments);
  for (const ArrayFormat* const format : Formats()) {
    if (!arguments.against.empty() || !IsWholeArchive(*format, arguments.file)) continue;
    const bool right = VerifyArchive(*format, arguments, reports);
    reports.Finish(true);
    return right ? kDone : kFailed;
  }
  Json report = {{"file", arguments.file}, {"verdict", ""}};
  const auto check = [&](const char* driver) { return CheckMemberOf(driver, arguments.file); };
  const bool right = VerifyArray(arguments, check, report);
  reports.Add(std::move(report));
  reports.Finish(false);
  return right ? kDone : kFailed;
}

}  // namespace ndarray::tools
