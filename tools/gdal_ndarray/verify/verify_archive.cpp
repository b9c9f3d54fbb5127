#include "tools/gdal_ndarray/verify/verify_archive.h"

#include <algorithm>
#include <utility>

#include "driver/store/archive/crc32.h"
#include "driver/store/text.h"
#include "tools/gdal_ndarray/command.h"
#include "tools/gdal_ndarray/verify/verify_frame.h"

namespace ndarray::tools {
namespace {

using Json = nlohmann::ordered_json;

Result<uint32_t> SumOf(const ZipFile& zip, const ZipMember& member, const ProgressFn& progress) {
  const std::string path = zip.path() + ":" + Excerpt(member.name);
  const Result<std::shared_ptr<ByteFile>> content = zip.OpenMember(member, path);
  return content.ok() ? Crc32Of(**content, progress) : content.status();
}

}  // namespace

MemberCheck CheckMember(const ZipFile& zip, const ZipMember& member, const ProgressFn& progress) {
  const std::string unreadable = WhyUnreadable(member);
  if (!unreadable.empty()) return {"not checked", unreadable};
  const Result<uint32_t> sum = SumOf(zip, member, progress);
  Status status = sum.status();
  if (status.code() == StatusCode::kCancelled) Check(status);
  if (status.ok()) status = CheckCrc32(*sum, member.crc32);
  if (status.ok()) return {"right", "CRC-32 as in the archive"};
  return {"wrong", status.message()};
}

MemberChecks CheckMembers(const ZipFile& zip, const ProgressFn& progress) {
  double all = 1;  // no integer: sizes are what the file says, and their sum may be too large
  double done = 0;
  for (const ZipMember& member : zip.directory().members()) {
    all += static_cast<double>(member.size_bytes);
  }
  const auto share = [&] { return done / all; };
  MemberChecks checks;
  for (const ZipMember& member : zip.directory().members()) {
    const double begin = share();
    done += static_cast<double>(member.size_bytes);
    checks[member.header_offset_bytes] = CheckMember(zip, member, PartOf(progress, begin, share()));
  }
  return checks;
}

bool ReportMembers(const ZipFile& zip, const MemberChecks& checks, Json& report) {
  Json damaged = Json::array();
  Json unchecked = Json::array();
  int64_t damaged_count = 0;
  int64_t unchecked_count = 0;
  for (const ZipMember& member : zip.directory().members()) {
    const MemberCheck& check = checks.at(member.header_offset_bytes);
    if (check.state == "right") continue;
    const bool is_wrong = check.state == "wrong";
    ++(is_wrong ? damaged_count : unchecked_count);
    Json& list = is_wrong ? damaged : unchecked;
    if (list.size() == kMaxListedDamage) continue;
    list.push_back({{"member", Printable(member.name)}, {"what", check.what}});
  }
  const auto members = static_cast<int64_t>(zip.directory().members().size());
  report["members"] = members;
  report["right_members"] = members - damaged_count - unchecked_count;
  report["damaged_members"] = damaged;
  report["unchecked_members"] = unchecked;
  if (const uint64_t others = zip.directory().bytes_before() + zip.directory().bytes_after();
      others > 0) {
    report["bytes_outside"] = others;
  }
  return damaged_count == 0;
}

bool ReportMember(const MemberCheck& check, Json& report) {
  if (!report.contains("checksum")) {
    report["checksum"] = {{"algorithm", "CRC-32"}, {"state", check.state}, {"what", check.what}};
  }
  if (check.state == "right") report.erase("unseen");
  return check.state != "wrong";
}

}  // namespace ndarray::tools
