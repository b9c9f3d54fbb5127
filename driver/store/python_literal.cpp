#include "driver/store/python_literal.h"

#include <algorithm>
#include <charconv>

namespace ndarray {
namespace {

constexpr int kMaxDepth = 32;        // numpy nests a few levels; the stack must not follow a file
constexpr size_t kQuotedBytes = 24;  // of the text around an error
// A field of a record is about five values, and there may be 65,536 of them. A value takes many
// times the memory of the two bytes that can make one.
constexpr int kMaxValues = 1 << 20;
constexpr std::string_view kSpace = " \t\n\r\f\v";

void AppendUtf8(uint32_t code_point, std::string& out) {
  if (code_point < 0x80) {
    out += static_cast<char>(code_point);
    return;
  }
  const int trailing = code_point < 0x800 ? 1 : code_point < 0x10000 ? 2 : 3;
  const uint32_t lead = trailing == 1 ? 0xC0 : trailing == 2 ? 0xE0 : 0xF0;
  out += static_cast<char>(lead | (code_point >> (6 * trailing)));
  for (int i = trailing - 1; i >= 0; --i) {
    out += static_cast<char>(0x80 | ((code_point >> (6 * i)) & 0x3F));
  }
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<PyValue> ParseAll() {
    Result<PyValue> value = ParseValue(0);
    if (!value.ok()) return value;
    SkipSpace();
    if (at_ != text_.size()) return Unexpected("the end of the literal");
    return value;
  }

 private:
  void SkipSpace() { at_ = std::min(text_.find_first_not_of(kSpace, at_), text_.size()); }

  bool Take(std::string_view token) {
    if (text_.substr(at_, token.size()) != token) return false;
    at_ += token.size();
    return true;
  }

  Status Unexpected(std::string_view wanted) const {
    std::string found = "the end";
    if (at_ < text_.size()) {
      found.clear();
      for (const char c : text_.substr(at_, kQuotedBytes)) {
        found += c >= ' ' && c <= '~' ? c : '?';
      }
      found = "'" + found + "' at byte " + std::to_string(at_);
    }
    return Mismatch(StatusCode::kCorrupt, "header literal", found, wanted);
  }

  Result<PyValue> ParseValue(int depth) {
    if (depth > kMaxDepth) return Unexpected("at most 32 levels of nesting");
    if (++values_ > kMaxValues) return Unexpected("at most 1048576 values");
    SkipSpace();
    const size_t start = at_;
    PyValue value;
    Status status = ParseInto(value, depth);
    if (!status.ok()) return status;
    value.text = text_.substr(start, at_ - start);
    return value;
  }

  Status ParseInto(PyValue& value, int depth) {
    if (Take("None")) return Set(value, PyNone{});
    if (Take("True")) return Set(value, true);
    if (Take("False")) return Set(value, false);
    if (Take("{")) return ParseDict(value, depth);
    if (Take("[")) {
      PyList list;
      bool trailing_comma = false;
      Status status = ParseItems(']', depth, list.items, trailing_comma);
      return status.ok() ? Set(value, std::move(list)) : status;
    }
    if (Take("(")) return ParseTuple(value, depth);
    if (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '\'' || c == '"') return ParseString(value);
      if ((c == 'u' || c == 'b') && at_ + 1 < text_.size() &&
          (text_[at_ + 1] == '\'' || text_[at_ + 1] == '"')) {
        ++at_;
        return ParseString(value);
      }
      if (c == '-' || (c >= '0' && c <= '9')) return ParseInteger(value);
    }
    return Unexpected("a Python literal");
  }

  template <typename T>
  static Status Set(PyValue& value, T content) {
    value.value = std::move(content);
    return {};
  }

  Status ParseItems(char close, int depth, std::vector<PyValue>& items, bool& trailing_comma) {
    while (true) {
      SkipSpace();
      if (Take({&close, 1})) return {};
      if (!items.empty() && !trailing_comma) return Unexpected("',' or a closing bracket");
      Result<PyValue> item = ParseValue(depth + 1);
      if (!item.ok()) return item.status();
      items.push_back(std::move(*item));
      SkipSpace();
      trailing_comma = Take(",");
    }
  }

  Status ParseTuple(PyValue& value, int depth) {
    PyTuple tuple;
    bool trailing_comma = false;
    Status status = ParseItems(')', depth, tuple.items, trailing_comma);
    if (!status.ok()) return status;
    if (tuple.items.size() == 1 && !trailing_comma) {  // only a value in parentheses
      PyValue inner = std::move(tuple.items[0]);
      value = std::move(inner);
      return {};
    }
    return Set(value, std::move(tuple));
  }

  Status ParseDict(PyValue& value, int depth) {
    PyDict dict;
    while (true) {
      SkipSpace();
      if (Take("}")) return Set(value, std::move(dict));
      Result<PyValue> key = ParseValue(depth + 1);
      if (!key.ok()) return key.status();
      if (key->As<std::string>() == nullptr) return Unexpected("a string as key before it");
      SkipSpace();
      if (!Take(":")) return Unexpected("':'");
      Result<PyValue> item = ParseValue(depth + 1);
      if (!item.ok()) return item.status();
      dict.items.emplace_back(*key->As<std::string>(), std::move(*item));
      SkipSpace();
      if (Take(",")) continue;
      if (at_ >= text_.size() || text_[at_] != '}') return Unexpected("',' or '}'");
    }
  }

  Status ParseInteger(PyValue& value) {
    int64_t number = 0;
    const char* const start = text_.data() + at_;
    const auto [end, error] = std::from_chars(start, text_.data() + text_.size(), number);
    if (error != std::errc()) return Unexpected("an integer below 2^63");
    at_ += static_cast<size_t>(end - start);
    Take("L");  // Python 2 wrote long integers so
    return Set(value, number);
  }

  Status ParseString(PyValue& value) {
    const char quote = text_[at_++];
    std::string out;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == quote) {
        ++at_;
        return Set(value, std::move(out));
      }
      if (c == '\n') break;
      ++at_;
      if (c != '\\') {
        out += c;
        continue;
      }
      Status status = ParseEscape(out);
      if (!status.ok()) return status;
    }
    return Unexpected("a closing quote");
  }

  Status ParseEscape(std::string& out) {
    if (at_ >= text_.size()) return Unexpected("an escaped character");
    const char c = text_[at_++];
    const size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    if (digits > 0) {
      uint32_t code_point = 0;
      const std::string_view hex = text_.substr(at_, digits);
      const auto [end, error] =
          std::from_chars(hex.data(), hex.data() + hex.size(), code_point, 16);
      const bool surrogate = code_point >= 0xD800 && code_point < 0xE000;  // has no UTF-8 form
      if (error != std::errc() || end != hex.data() + digits || code_point > 0x10FFFF ||
          surrogate) {
        return Unexpected("hexadecimal digits of a character");
      }
      at_ += digits;
      AppendUtf8(code_point, out);
      return {};
    }
    constexpr std::string_view kNames = "\\'\"nrtabfv";
    constexpr std::string_view kCharacters = "\\'\"\n\r\t\a\b\f\v";
    const size_t index = kNames.find(c);
    if (index == std::string_view::npos) return Unexpected("a known escape before it");
    out += kCharacters[index];
    return {};
  }

  const std::string_view text_;
  size_t at_ = 0;
  int values_ = 0;
};

}  // namespace

Result<PyValue> ParsePythonLiteral(std::string_view text) { return Parser(text).ParseAll(); }

}  // namespace ndarray
