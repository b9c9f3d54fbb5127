// Matchers for Status and Result<T>.
#ifndef GDAL_NDARRAY_TESTS_SUPPORT_STATUS_MATCHERS_H_
#define GDAL_NDARRAY_TESTS_SUPPORT_STATUS_MATCHERS_H_

#include <gmock/gmock.h>

#include <ostream>
#include <string>

#include "driver/store/status.h"

namespace ndarray {

inline void PrintTo(const Status& status, std::ostream* out) {
  *out << (status.ok() ? "ok" : status.message());
}

namespace testing {

inline const Status& StatusOf(const Status& status) { return status; }
template <typename T>
const Status& StatusOf(const Result<T>& result) {
  return result.status();
}

MATCHER(IsOk, "is ok") {
  *result_listener << StatusOf(arg).message();
  return StatusOf(arg).ok();
}

// A failure of that code whose message contains the text.
MATCHER_P2(FailsWith, code, text, "fails and says \"" + std::string(text) + "\"") {
  *result_listener << StatusOf(arg).message();
  return StatusOf(arg).code() == code && StatusOf(arg).message().find(text) != std::string::npos;
}

}  // namespace testing
}  // namespace ndarray

#endif  // GDAL_NDARRAY_TESTS_SUPPORT_STATUS_MATCHERS_H_
