#include "driver/store/msgpack.h"

#include <nlohmann/json.hpp>

namespace ndarray {
namespace {

using nlohmann::json;

// Walks over a value without keeping it, and stops where it goes too far.
class Measure final : public nlohmann::json_sax<json> {
 public:
  explicit Measure(int64_t max_values) : max_values_(max_values) {}

  int64_t values() const { return values_; }
  bool too_much() const { return too_much_; }

  bool null() override { return Count(); }
  bool boolean(bool) override { return Count(); }
  bool number_integer(number_integer_t) override { return Count(); }
  bool number_unsigned(number_unsigned_t) override { return Count(); }
  bool number_float(number_float_t, const string_t&) override { return Count(); }
  bool string(string_t&) override { return Count(); }
  bool binary(binary_t&) override { return Count(); }
  bool key(string_t&) override { return Count(); }
  bool start_object(std::size_t) override { return Enter(); }
  bool start_array(std::size_t) override { return Enter(); }
  bool end_object() override { return Leave(); }
  bool end_array() override { return Leave(); }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override {
    return false;
  }

 private:
  static constexpr int kMaxDepth = 64;

  bool Count() {
    too_much_ = too_much_ || ++values_ > max_values_;
    return !too_much_;
  }
  bool Enter() {
    too_much_ = too_much_ || ++depth_ > kMaxDepth;
    return Count();
  }
  bool Leave() {
    --depth_;
    return true;
  }

  const int64_t max_values_;
  int depth_ = 0;
  int64_t values_ = 0;
  bool too_much_ = false;
};

constexpr size_t kMaxShownBytes = size_t{1} << 20;

std::string Measured(size_t bytes) { return "(" + std::to_string(bytes) + " bytes)"; }

// Bytes have no place in JSON, and of long texts nobody wants to see more than how long they are.
void MakePresentable(json& value) {
  if (value.is_binary()) {
    value = Measured(value.get_binary().size());
  } else if (value.is_string() && value.get_ref<const std::string&>().size() > kMaxShownBytes) {
    value = Measured(value.get_ref<const std::string&>().size());
  } else if (value.is_structured()) {
    if (value.is_array() && !value.empty() && value[0] == "__tuple__") value.erase(0);
    for (json& item : value) MakePresentable(item);
  }
}

}  // namespace

Result<json> ParseMsgpack(std::string_view bytes, int64_t& max_values) {
  Measure measure(max_values);
  if (!json::sax_parse(bytes.begin(), bytes.end(), &measure, json::input_format_t::msgpack)) {
    if (measure.too_much()) {
      return Mismatch(StatusCode::kNotSupported, "msgpack", "more values or deeper nesting",
                      std::to_string(max_values) + " values, 64 levels");
    }
    return Mismatch(StatusCode::kCorrupt, "msgpack", "other bytes",
                    "one value that JSON can have, too");
  }
  max_values -= measure.values();
  json value = json::from_msgpack(bytes.begin(), bytes.end(), true, false);
  if (value.is_discarded()) return Mismatch(StatusCode::kCorrupt, "msgpack", "bytes", "one value");
  return value;
}

json Presentable(json value) {
  MakePresentable(value);
  return value;
}

}  // namespace ndarray
