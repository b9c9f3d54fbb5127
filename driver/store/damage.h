// What is said of files that are not whole, before field, found and wanted: what happened, and what
// to do about it.
#ifndef GDAL_NDARRAY_STORE_DAMAGE_H_
#define GDAL_NDARRAY_STORE_DAMAGE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "driver/store/status.h"
#include "driver/store/text.h"

namespace ndarray {

constexpr std::string_view kCutShort = "cut short: ";

// The error for a file that ends too early: a copy or a download that was interrupted.
// `more` is "at least " where the file may be meant to be still longer.
inline Status CutShort(uint64_t found_bytes, uint64_t wanted_bytes, std::string_view more = "") {
  std::string message(kCutShort);
  message.append(std::to_string(found_bytes)).append(" of ").append(more);
  message.append(std::to_string(wanted_bytes)).append(" bytes; copy it again");
  return Status(StatusCode::kCorrupt, message);
}

// The error for a file that does not begin as files of this format do: it has another format, and
// is not damaged. But if it ends while it still agrees, it is cut short.
inline Status OtherFormat(std::string_view ending, std::string_view start, std::string_view magic,
                          uint64_t min_bytes) {
  if (start.size() < magic.size() && magic.substr(0, start.size()) == start) {
    return CutShort(start.size(), min_bytes, "at least ");
  }
  return Mismatch(StatusCode::kNotSupported, "is not a " + std::string(ending) + " file",
                  "bytes " + EscapedBytes(start.substr(0, magic.size())), EscapedBytes(magic));
}

// The error for a file that contradicts its own format: `status` with "damaged (ADVICE): " before
// it. Other failures, and those that already say what happened, stay as they are.
inline Status Damaged(const Status& status, std::string_view advice) {
  const std::string& message = status.message();
  if (status.code() != StatusCode::kCorrupt ||
      message.compare(0, kCutShort.size(), kCutShort) == 0) {
    return status;
  }
  return status.At("damaged (" + std::string(advice) + ")");
}

// The same for a failure that may have the file's path before it; with the path, in any case.
inline Status DamagedFile(const Status& status, const std::string& path, std::string_view advice) {
  const std::string start = path + ": ";
  const std::string& message = status.message();
  if (message.compare(0, start.size(), start) != 0) return Damaged(status, advice).At(path);
  return Damaged(Status(status.code(), message.substr(start.size())), advice).At(path);
}

// Where all of the file is in question, and where only some of its pixels are.
constexpr std::string_view kCopyAgain = "copy it again";
constexpr std::string_view kVerify = "gdal_ndarray verify lists what is lost";

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_DAMAGE_H_
