#include "driver/store/dtype/python_literal.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "driver/store/checked_math.h"
#include "driver/store/dtype/dtype.h"

namespace ndarray {
namespace {

constexpr int kMaxDepth = 32;        // numpy nests a few levels; the stack must not follow a file
constexpr size_t kQuotedBytes = 24;  // of the text around an error
// A field of a record is about five values, and there may be 65,536 of them. A value takes many
// times the memory of the two bytes that can make one.
constexpr int kMaxValues = 1 << 20;
constexpr size_t kMaxNameBytes = 16;  // of a NumPy type
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
  // White space, comments, and line ends after a backslash.
  void SkipSpace() {
    while (true) {
      at_ = std::min(text_.find_first_not_of(kSpace, at_), text_.size());
      if (at_ < text_.size() && text_[at_] == '#') {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else if (!Take("\\\n") && !Take("\\\r\n")) {
        return;
      }
    }
  }

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
    if (AtString()) return ParseStrings(value);
    if (text_.substr(at_, 3) == "np." || text_.substr(at_, 6) == "numpy.") {
      return ParseNumPyScalar(value, depth);
    }
    if (at_ < text_.size() &&
        std::string_view("+-0123456789").find(text_[at_]) != std::string_view::npos) {
      return ParseInteger(value);
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

  // np.int64(3), np.str_('a'), np.bool_(True), np.True_: their content.
  Status ParseNumPyScalar(PyValue& value, int depth) {
    if (Take("np.True_") || Take("numpy.True_")) return Set(value, true);
    if (Take("np.False_") || Take("numpy.False_")) return Set(value, false);
    const size_t start = at_;
    const size_t dot = text_.find('.', at_);
    std::string_view name = text_.substr(dot + 1, kMaxNameBytes);
    name = name.substr(0, name.find('('));
    at_ = dot + 1 + name.size();
    const Result<DType> dtype = ParseTypeString(name);
    const bool is_text = name == "str_";
    const bool is_bool = dtype.ok() && dtype->type == ScalarType::kBool;
    const bool is_integer = dtype.ok() && !is_bool && dtype->type < ScalarType::kFloat16;
    if (Take("(") && (is_text || is_bool || is_integer)) {
      Result<PyValue> content = ParseValue(depth + 1);
      if (!content.ok()) return content.status();
      SkipSpace();
      const bool fits = is_text   ? content->As<std::string>() != nullptr
                        : is_bool ? content->As<bool>() != nullptr
                                  : content->As<int64_t>() != nullptr;
      if (fits && Take(")")) return Set(value, std::move(content->value));
    }
    at_ = start;
    return Unexpected("a Python literal");
  }

  Status ParseInteger(PyValue& value) {
    const size_t start = at_;
    const bool negative = Take("-");
    if (!negative) Take("+");
    SkipSpace();
    int base = 10;
    for (const auto& [marker, marked] : {std::pair("xX", 16), {"oO", 8}, {"bB", 2}}) {
      if (at_ + 1 < text_.size() && text_[at_] == '0' &&
          std::string_view(marker).find(text_[at_ + 1]) != std::string_view::npos) {
        base = marked;
        at_ += 2;
        break;
      }
    }
    const std::optional<uint64_t> size = ParseDigits(base);
    // The least integer has no positive counterpart.
    if (!size || *size > uint64_t{INT64_MAX} + (negative ? 1 : 0)) {
      at_ = start;
      return Unexpected("an integer below 2^63");
    }
    const size_t end = at_;
    SkipSpace();
    if (!Take("L")) at_ = end;  // Python 2 wrote long integers so
    return Set(value, static_cast<int64_t>(negative ? ~*size + 1 : *size));
  }

  // One or more digits, perhaps with an underscore between two.
  std::optional<uint64_t> ParseDigits(int base) {
    std::optional<uint64_t> number;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      const int letter = c | 0x20;
      const int digit = c >= '0' && c <= '9'             ? c - '0'
                        : letter >= 'a' && letter <= 'f' ? letter - 'a' + 10
                                                         : base;
      if (c == '_' && number && at_ + 1 < text_.size() && text_[at_ + 1] != '_') {
        ++at_;
        continue;
      }
      if (digit >= base) return text_[at_ - 1] == '_' ? std::nullopt : number;
      const auto scaled = CheckedMultiply(number.value_or(0), static_cast<uint64_t>(base));
      number = scaled ? CheckedAdd(*scaled, static_cast<uint64_t>(digit)) : std::nullopt;
      if (!number) return std::nullopt;
      ++at_;
    }
    return number;
  }

  // The letters before a string's quote, or nothing where there is no string.
  std::optional<std::string_view> StringPrefix() const {
    const std::string_view start = text_.substr(at_, 3);
    const size_t quote = start.find_first_not_of("bBrRuU");
    if (quote == std::string_view::npos || (start[quote] != '\'' && start[quote] != '"')) {
      return std::nullopt;
    }
    return start.substr(0, quote);
  }
  bool AtString() const { return StringPrefix().has_value(); }

  // Strings one after the other are one string.
  Status ParseStrings(PyValue& value) {
    std::string out;
    size_t end = at_;
    while (const auto prefix = StringPrefix()) {
      at_ += prefix->size();
      Status status = ParseString(prefix->find_first_of("rR") != std::string_view::npos, out);
      if (!status.ok()) return status;
      end = at_;
      SkipSpace();
    }
    at_ = end;
    return Set(value, std::move(out));
  }

  static bool IsSpecialInString(char c, char quote) { return c == quote || c == '\\' || c == '\n'; }

  Status ParseString(bool raw, std::string& out) {
    const std::string_view one = text_.substr(at_, 1);
    const std::string three(3, one[0]);
    const bool is_long = Take(three);
    if (!is_long) Take(one);
    const std::string_view quote = is_long ? std::string_view(three) : one;
    while (true) {
      const size_t start = at_;
      while (at_ < text_.size() && !IsSpecialInString(text_[at_], one[0])) ++at_;
      out.append(text_, start, at_ - start);
      if (at_ >= text_.size()) break;
      if (Take(quote)) return {};
      const char c = text_[at_];
      if (c == '\n' && !is_long) break;
      ++at_;
      if (c != '\\') {
        out += c;
        continue;
      }
      Status status = raw ? TakeRaw(out) : ParseEscape(out);
      if (!status.ok()) return status;
    }
    return Unexpected("a closing quote");
  }

  // In a raw string a backslash stays, and so does the character after it, even a quote.
  Status TakeRaw(std::string& out) {
    if (at_ >= text_.size()) return Unexpected("an escaped character");
    out += '\\';
    out += text_[at_++];
    return {};
  }

  Status ParseEscape(std::string& out) {
    if (at_ >= text_.size()) return Unexpected("an escaped character");
    const char c = text_[at_];
    if (c >= '0' && c <= '7') {
      uint32_t code_point = 0;
      for (int digits = 0; digits < 3 && at_ < text_.size(); ++digits, ++at_) {
        if (text_[at_] < '0' || text_[at_] > '7') break;
        code_point = code_point * 8 + static_cast<uint32_t>(text_[at_] - '0');
      }
      AppendUtf8(code_point, out);
      return {};
    }
    ++at_;
    if (c == 'x' || c == 'u' || c == 'U')
      return ParseHexEscape(c == 'x' ? 2 : c == 'u' ? 4 : 8, out);
    if (c == 'N') return Unexpected("a known escape before it");  // by a name of Unicode's
    if (c == '\n') return {};                                     // the line goes on
    constexpr std::string_view kNames = "\\'\"nrtabfv";
    constexpr std::string_view kCharacters = "\\'\"\n\r\t\a\b\f\v";
    const size_t index = kNames.find(c);
    if (index == std::string_view::npos) out += '\\';  // Python keeps what it does not know
    out += index == std::string_view::npos ? c : kCharacters[index];
    return {};
  }

  Status ParseHexEscape(size_t digits, std::string& out) {
    uint32_t code_point = 0;
    const std::string_view hex = text_.substr(at_, digits);
    const auto [end, error] = std::from_chars(hex.data(), hex.data() + hex.size(), code_point, 16);
    const bool surrogate = code_point >= 0xD800 && code_point < 0xE000;  // has no UTF-8 form
    if (error != std::errc() || end != hex.data() + digits || code_point > 0x10FFFF || surrogate) {
      return Unexpected("hexadecimal digits of a character");
    }
    at_ += digits;
    AppendUtf8(code_point, out);
    return {};
  }

  const std::string_view text_;
  size_t at_ = 0;
  int values_ = 0;
};

}  // namespace

Result<PyValue> ParsePythonLiteral(std::string_view text) { return Parser(text).ParseAll(); }

}  // namespace ndarray
