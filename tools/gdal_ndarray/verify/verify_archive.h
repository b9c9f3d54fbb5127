// What `verify` finds in the members of a ZIP archive, whatever they are.
#ifndef GDAL_NDARRAY_TOOLS_VERIFY_VERIFY_ARCHIVE_H_
#define GDAL_NDARRAY_TOOLS_VERIFY_VERIFY_ARCHIVE_H_

#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "driver/raster/files/zip_file.h"
#include "driver/store/progress.h"

namespace ndarray::tools {

// What reading a member has shown.
struct MemberCheck {
  std::string state;  // "right", "wrong", or "not checked": nobody can read it here
  std::string what;   // for people
};

// Reads all of a member, piece by piece, and compares it with the CRC-32 in the archive's
// directory. Throws a Failure where it is interrupted.
MemberCheck CheckMember(const ZipFile& zip, const ZipMember& member, const ProgressFn& progress);

// The same of all members, by the offsets of their headers; those that a later one of their name
// replaces are among them.
using MemberChecks = std::map<uint64_t, MemberCheck>;
MemberChecks CheckMembers(const ZipFile& zip, const ProgressFn& progress);

// Adds to the report, for people and programs alike: how many "members" there are,
// "damaged_members" and "unchecked_members" with their names and why. Returns whether all that were
// read are right.
bool ReportMembers(const ZipFile& zip, const MemberChecks& checks, nlohmann::ordered_json& report);

// Adds "checksum" to the report of an array in that member, which has no other bytes "unseen" where
// it is right. Returns whether it is not wrong.
bool ReportMember(const MemberCheck& check, nlohmann::ordered_json& report);

}  // namespace ndarray::tools

#endif  // GDAL_NDARRAY_TOOLS_VERIFY_VERIFY_ARCHIVE_H_
