#include "driver/store/dtype.h"

#include <array>
#include <cctype>

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
  const std::string found = "'" + Excerpt(text) + "'";
  std::string_view rest = text;
  DType dtype;
  if (!rest.empty() && std::string_view("<>|=").find(rest[0]) != std::string_view::npos) {
    if (rest[0] == '<') dtype.order = ByteOrder::kLittle;
    if (rest[0] == '>') dtype.order = ByteOrder::kBig;
    rest.remove_prefix(1);
  }
  if (rest == "?") {  // how numpy.dtype prints a bool within a record
    dtype.type = ScalarType::kBool;
    return dtype;
  }
  if (rest.empty() || !std::isalpha(static_cast<unsigned char>(rest[0]))) {
    return Mismatch(StatusCode::kCorrupt, "dtype", found, kWanted);
  }
  const char kind = rest[0];
  const std::string_view size_text = rest.substr(1);
  for (const TypeRow& row : kTypes) {
    if (row.kind == kind && size_text == std::to_string(row.size_bytes)) {
      dtype.type = row.type;
      return dtype;
    }
  }
  return Mismatch(StatusCode::kNotSupported, "dtype", found, kWanted);
}

}  // namespace ndarray
