#include "driver/store/msgpack.h"

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "driver/store/text.h"

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

std::string Measured(size_t bytes) { return "(" + std::to_string(bytes) + " bytes)"; }

std::string InUtf8(const std::string& text) {
  if (IsUtf8(text)) return text;
  return json::parse(json(text).dump(-1, ' ', false, json::error_handler_t::replace))
      .get<std::string>();
}

// Names that become alike are one: the last one counts.
void MakeNamesPresentable(json& object) {
  bool is_presentable = true;
  for (const auto& [name, item] : object.items()) is_presentable = is_presentable && IsUtf8(name);
  if (is_presentable) return;
  json renamed = json::object();
  for (const auto& [name, item] : object.items()) renamed[InUtf8(name)] = item;
  object = std::move(renamed);
}

// Bytes have no place in JSON, and of long texts nobody wants to see more than how long they are.
void MakePresentable(json& value, size_t max_text_bytes) {
  if (value.is_binary()) {
    value = Measured(value.get_binary().size());
  } else if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    if (text.size() > max_text_bytes) {
      value = Measured(text.size());
    } else if (!IsUtf8(text)) {
      value = InUtf8(text);
    }
  } else if (value.is_structured()) {
    if (value.is_array() && !value.empty() && value[0] == "__tuple__") value.erase(0);
    if (value.is_object()) MakeNamesPresentable(value);
    for (json& item : value) MakePresentable(item, max_text_bytes);
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

json Presentable(json value, size_t max_text_bytes) {
  MakePresentable(value, max_text_bytes);
  return value;
}

}  // namespace ndarray
