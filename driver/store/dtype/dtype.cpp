#include "driver/store/dtype/dtype.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <optional>
#include <utility>

#include "driver/store/text.h"

namespace ndarray {
namespace {

struct TypeRow {
  ScalarType type;
  char kind;  // numpy.dtype.kind
  size_t size_bytes;
};

// In the order of ScalarType, so that a type is its own index.
constexpr std::array<TypeRow, 14> kTypes = {{
    {ScalarType::kBool, 'b', 1},
    {ScalarType::kInt8, 'i', 1},
    {ScalarType::kInt16, 'i', 2},
    {ScalarType::kInt32, 'i', 4},
    {ScalarType::kInt64, 'i', 8},
    {ScalarType::kUInt8, 'u', 1},
    {ScalarType::kUInt16, 'u', 2},
    {ScalarType::kUInt32, 'u', 4},
    {ScalarType::kUInt64, 'u', 8},
    {ScalarType::kFloat16, 'f', 2},
    {ScalarType::kFloat32, 'f', 4},
    {ScalarType::kFloat64, 'f', 8},
    {ScalarType::kComplex64, 'c', 8},
    {ScalarType::kComplex128, 'c', 16},
}};

const TypeRow& Row(ScalarType type) { return kTypes[static_cast<size_t>(type)]; }

constexpr std::string_view kWanted =
    "a bool, (u)int8 to (u)int64, float16 to float64 or complex64/128 dtype";

// numpy.dtype.char and its aliases: types by a letter, which may have a byte order before it.
std::optional<ScalarType> TypeOfLetter(char letter) {
  constexpr std::string_view kLetters = "?bBhHiIlLqQpPnNefdFD";
  constexpr ScalarType kTypesOfLetters[] = {
      ScalarType::kBool,    ScalarType::kInt8,    ScalarType::kUInt8,     ScalarType::kInt16,
      ScalarType::kUInt16,  ScalarType::kInt32,   ScalarType::kUInt32,    ScalarType::kInt64,
      ScalarType::kUInt64,  ScalarType::kInt64,   ScalarType::kUInt64,    ScalarType::kInt64,
      ScalarType::kUInt64,  ScalarType::kInt64,   ScalarType::kUInt64,    ScalarType::kFloat16,
      ScalarType::kFloat32, ScalarType::kFloat64, ScalarType::kComplex64, ScalarType::kComplex128,
  };
  const size_t index = kLetters.find(letter);
  if (index == std::string_view::npos) return std::nullopt;
  return kTypesOfLetters[index];
}

// Names that numpy.dtype takes, of NumPy 1 or 2. None has a byte order before it.
struct NameRow {
  std::string_view name;
  ScalarType type;
};
constexpr NameRow kNames[] = {
    {"bool", ScalarType::kBool},
    {"bool_", ScalarType::kBool},
    {"bool8", ScalarType::kBool},
    {"int8", ScalarType::kInt8},
    {"byte", ScalarType::kInt8},
    {"int16", ScalarType::kInt16},
    {"short", ScalarType::kInt16},
    {"int32", ScalarType::kInt32},
    {"intc", ScalarType::kInt32},
    {"int64", ScalarType::kInt64},
    {"int", ScalarType::kInt64},
    {"int_", ScalarType::kInt64},
    {"int0", ScalarType::kInt64},
    {"intp", ScalarType::kInt64},
    {"long", ScalarType::kInt64},
    {"longlong", ScalarType::kInt64},
    {"uint8", ScalarType::kUInt8},
    {"ubyte", ScalarType::kUInt8},
    {"uint16", ScalarType::kUInt16},
    {"ushort", ScalarType::kUInt16},
    {"uint32", ScalarType::kUInt32},
    {"uintc", ScalarType::kUInt32},
    {"uint64", ScalarType::kUInt64},
    {"uint", ScalarType::kUInt64},
    {"uint0", ScalarType::kUInt64},
    {"uintp", ScalarType::kUInt64},
    {"ulong", ScalarType::kUInt64},
    {"ulonglong", ScalarType::kUInt64},
    {"float16", ScalarType::kFloat16},
    {"half", ScalarType::kFloat16},
    {"float32", ScalarType::kFloat32},
    {"single", ScalarType::kFloat32},
    {"float64", ScalarType::kFloat64},
    {"double", ScalarType::kFloat64},
    {"float", ScalarType::kFloat64},
    {"float_", ScalarType::kFloat64},
    {"complex64", ScalarType::kComplex64},
    {"csingle", ScalarType::kComplex64},
    {"singlecomplex", ScalarType::kComplex64},
    {"complex128", ScalarType::kComplex128},
    {"cdouble", ScalarType::kComplex128},
    {"complex", ScalarType::kComplex128},
    {"complex_", ScalarType::kComplex128},
    {"cfloat", ScalarType::kComplex128},
};

// Of "u2" and the like. NumPy reads the number with strtol, so blanks, a plus and zeros may come
// before it.
std::optional<ScalarType> TypeOfKindAndSize(std::string_view text) {
  std::string_view digits = text.substr(1);
  const size_t start = std::min(digits.find_first_not_of(" \t\n\r\f\v"), digits.size());
  digits.remove_prefix(start);
  if (!digits.empty() && digits[0] == '+') digits.remove_prefix(1);
  if (digits.empty() || digits[0] == '-') return std::nullopt;
  uint32_t size_bytes = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), size_bytes);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  for (const TypeRow& row : kTypes) {
    if (row.kind == text[0] && row.size_bytes == size_bytes) return row.type;
  }
  return std::nullopt;
}

// `text` without the byte order, `whole` with it.
std::optional<ScalarType> TypeOf(std::string_view text, std::string_view whole) {
  if (text.size() == 1) return TypeOfLetter(text[0]);
  for (const NameRow& row : kNames) {
    if (row.name == whole) return row.type;
  }
  return TypeOfKindAndSize(text);
}

// What a dtype is that NumPy knows and a raster cannot hold: " (text)"; "" where that is unknown.
std::string Explain(std::string_view text) {
  constexpr std::pair<std::string_view, const char*> kNamed[] = {
      {"str", " (text)"},
      {"unicode", " (text)"},
      {"StringDType", " (text)"},
      {"bytes", " (bytes)"},
      {"object", " (Python objects)"},
      {"void", " (raw bytes)"},
      {"datetime64", " (times)"},
      {"timedelta64", " (durations)"},
      {"longdouble", " (long double)"},
      {"longfloat", " (long double)"},
      {"float96", " (long double)"},
      {"float128", " (long double)"},
      {"clongdouble", " (long double)"},
      {"clongfloat", " (long double)"},
      {"longcomplex", " (long double)"},
      {"complex192", " (long double)"},
      {"complex256", " (long double)"},
  };
  for (const auto& [name, what] : kNamed) {
    if (text.substr(0, name.size()) == name) return what;
  }
  const std::string_view size = text.substr(1);
  const bool has_unit = size.find('[') != std::string_view::npos;
  if (!has_unit && size.find_first_not_of("0123456789") != std::string_view::npos) return "";
  constexpr std::pair<char, const char*> kLetters[] = {
      {'U', " (text)"},           {'T', " (text)"},      {'S', " (bytes)"}, {'a', " (bytes)"},
      {'O', " (Python objects)"}, {'V', " (raw bytes)"}, {'M', " (times)"}, {'m', " (durations)"},
  };
  for (const auto& [letter, what] : kLetters) {
    if (text[0] == letter) return what;
  }
  const bool is_long = text == "g" || text == "G" || text == "f12" || text == "f16" ||
                       text == "c24" || text == "c32";
  return is_long ? " (long double)" : "";
}

}  // namespace

size_t SizeBytes(ScalarType type) { return Row(type).size_bytes; }

size_t SwapUnitBytes(ScalarType type) {
  const TypeRow& row = Row(type);
  return row.kind == 'c' ? row.size_bytes / 2 : row.size_bytes;
}

std::string TypeString(const DType& dtype) {
  const TypeRow& row = Row(dtype.type);
  const char order = row.size_bytes == 1 ? '|' : dtype.order == ByteOrder::kLittle ? '<' : '>';
  return std::string{order, row.kind} + std::to_string(row.size_bytes);
}

Result<DType> ParseTypeString(std::string_view text) {
  std::string_view rest = text;
  DType dtype;
  if (!rest.empty() && std::string_view("<>|=").find(rest[0]) != std::string_view::npos) {
    if (rest[0] == '<') dtype.order = ByteOrder::kLittle;
    if (rest[0] == '>') dtype.order = ByteOrder::kBig;
    rest.remove_prefix(1);
  }
  const auto found = [text] { return "'" + Excerpt(text) + "'"; };
  if (rest.empty() || (!std::isalpha(static_cast<unsigned char>(rest[0])) && rest != "?")) {
    return Mismatch(StatusCode::kCorrupt, "dtype", found(), kWanted);
  }
  const std::optional<ScalarType> type = TypeOf(rest, text);
  if (!type) return Mismatch(StatusCode::kNotSupported, "dtype", found() + Explain(rest), kWanted);
  dtype.type = *type;
  return dtype;
}

}  // namespace ndarray
