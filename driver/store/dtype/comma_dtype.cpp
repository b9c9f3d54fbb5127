#include "driver/store/dtype/comma_dtype.h"

#include <algorithm>
#include <string>
#include <utility>

#include "driver/store/text.h"

namespace ndarray {
namespace {

constexpr size_t kMaxFields = 65536;
constexpr std::string_view kSpace = " \t\n\r\f\v";
constexpr std::string_view kOrders = "<>|=";
constexpr std::string_view kTypeCharacters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.?_";

PyValue Literal(std::string text) {
  PyValue value;
  value.value = std::move(text);
  return value;
}

class CommaParser {
 public:
  CommaParser(std::string_view text, const char* field) : text_(text), field_(field) {}

  Result<PyValue> Parse() {
    PyList fields;
    bool has_comma = false;
    while (at_ < text_.size()) {
      if (fields.items.size() >= kMaxFields) {
        return Mismatch(StatusCode::kNotSupported, field_, "more fields",
                        "at most " + std::to_string(kMaxFields));
      }
      PyTuple field;
      field.items.push_back(Literal("f" + std::to_string(fields.items.size())));
      Status status = AddTypeAndShape(field);
      if (!status.ok()) return status;
      Skip(kSpace);
      const bool comma = Take(",");
      if (!comma && at_ < text_.size()) return Unexpected();
      has_comma = has_comma || comma;
      Skip(kSpace);
      PyValue item;
      item.value = std::move(field);
      item.text = text_;
      fields.items.push_back(std::move(item));
    }
    if (fields.items.empty()) return Unexpected();
    PyValue result;
    result.text = text_;
    if (has_comma) {
      result.value = std::move(fields);
    } else {
      auto& only = std::get<PyTuple>(fields.items[0].value);
      only.items.erase(only.items.begin());
      result.value = std::move(only);
    }
    return result;
  }

 private:
  bool Take(std::string_view characters) {
    if (at_ >= text_.size() || characters.find(text_[at_]) == std::string_view::npos) return false;
    ++at_;
    return true;
  }

  std::string_view TakeOrder() {
    const size_t start = at_;
    Take(kOrders);
    return text_.substr(start, at_ - start);
  }

  std::string_view Skip(std::string_view characters) {
    const size_t start = at_;
    at_ = std::min(text_.find_first_not_of(characters, at_), text_.size());
    return text_.substr(start, at_ - start);
  }

  Status Unexpected() const {
    return Mismatch(StatusCode::kCorrupt, field_, "'" + Excerpt(text_) + "'",
                    "types with commas between them, such as 'f4, (2,3)u1'");
  }

  // A byte order may be before the shape or after it.
  Status AddTypeAndShape(PyTuple& field) {
    std::string_view order = TakeOrder();
    Result<PyValue> shape = ParseShape();
    if (!shape.ok()) return shape.status();
    const std::string_view other = TakeOrder();
    if (!order.empty() && !other.empty() && order != other) return Unexpected();
    if (order.empty()) order = other;
    const std::string_view type = Skip(kTypeCharacters);
    if (type.empty()) return Unexpected();
    // Names of types, which take no byte order, may have one here that is the machine's own.
    const bool native = order == "|" || order == "=";
    field.items.push_back(Literal(std::string(native ? "" : order).append(type)));
    if (shape->As<PyNone>() == nullptr) field.items.push_back(std::move(*shape));
    return {};
  }

  // None where there is no shape.
  Result<PyValue> ParseShape() {
    const size_t start = at_;
    Skip(" ");
    if (Take("(")) {
      Skip(" ,0123456789");
      if (!Take(")")) return Unexpected();
    } else if (Skip("0123456789").empty()) {
      at_ = start;
      return PyValue();
    }
    const std::string_view shape = text_.substr(start, at_ - start);
    Skip(" ");
    Result<PyValue> literal = ParsePythonLiteral(shape);
    if (!literal.ok()) return Unexpected();
    return literal;
  }

  const std::string_view text_;
  const char* const field_;
  size_t at_ = 0;
};

}  // namespace

bool IsCommaDtype(std::string_view text) {
  if (text.find(',') != std::string_view::npos) return true;
  if (!text.empty() && kOrders.find(text[0]) != std::string_view::npos) text.remove_prefix(1);
  return !text.empty() && std::string_view("(0123456789").find(text[0]) != std::string_view::npos;
}

Result<PyValue> ParseCommaDtype(std::string_view text, const char* field) {
  return CommaParser(text, field).Parse();
}

}  // namespace ndarray
