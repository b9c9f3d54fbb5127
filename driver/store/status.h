// The outcome of an operation, and a value or the reason why there is none.
//
// A message names what is wrong the same way everywhere, so that one line is enough to act on:
//   PATH: FIELD: found VALUE, wanted VALUE
// Errors are values here: nothing in driver/store throws on bad input. Only std::bad_alloc may
// cross these interfaces.
#ifndef GDAL_NDARRAY_STORE_STATUS_H_
#define GDAL_NDARRAY_STORE_STATUS_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace ndarray {

enum class StatusCode {
  kOk,
  kNotFound,         // the file is not there
  kCorrupt,          // the file contradicts its own format
  kNotSupported,     // the file is right, this program does not read it
  kInvalidArgument,  // the caller asked for something that cannot be
  kIo,               // the operating system refused
  kCancelled,        // the progress callback asked to stop
  kReported,         // GDAL has reported the failure already
};

class [[nodiscard]] Status {
 public:
  Status() = default;  // success; costs no allocation
  Status(StatusCode code, std::string message)
      : rep_(std::make_shared<const Rep>(Rep{code, std::move(message)})) {}

  bool ok() const { return rep_ == nullptr; }
  StatusCode code() const { return rep_ ? rep_->code : StatusCode::kOk; }
  const std::string& message() const {
    static const std::string empty;
    return rep_ ? rep_->message : empty;
  }

  // The same failure with "where: " before its message. Success stays success.
  Status At(std::string_view where) const {
    return ok() ? *this : Status(code(), std::string(where) + ": " + message());
  }

 private:
  struct Rep {
    StatusCode code;
    std::string message;
  };
  std::shared_ptr<const Rep> rep_;
};

// The one wording of "FIELD: found VALUE, wanted VALUE".
inline Status Mismatch(StatusCode code, std::string_view field, std::string_view found,
                       std::string_view wanted) {
  std::string message(field);
  message.append(": found ").append(found).append(", wanted ").append(wanted);
  return Status(code, std::move(message));
}

inline Status Corrupt(std::string_view field, std::string_view found, std::string_view wanted) {
  return Mismatch(StatusCode::kCorrupt, field, found, wanted);
}

// A T, or the Status that explains its absence (never an OK status).
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}          // NOLINT: implicit by design
  Result(Status status) : status_(std::move(status)) {}  // NOLINT: implicit by design

  bool ok() const { return value_.has_value(); }
  const Status& status() const { return status_; }

  // REQUIRES: ok()
  T& operator*() { return *value_; }
  const T& operator*() const { return *value_; }
  T* operator->() { return &*value_; }
  const T* operator->() const { return &*value_; }

 private:
  std::optional<T> value_;
  Status status_;
};

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_STATUS_H_
