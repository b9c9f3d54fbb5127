// Any bytes as what parsers of text get: a .npy header, a Python literal, a dtype. Arrays in
// records have a field for each of their elements: those of many are left to the target npy, so
// that these stay fast.
#include <cctype>

#include "driver/store/dtype/comma_dtype.h"
#include "driver/store/dtype/dtype.h"
#include "driver/store/dtype/python_literal.h"
#include "driver/store/dtype/record_dtype.h"
#include "driver/store/npy/npy_header.h"
#include "tests/fuzz/fuzz_support.h"

namespace ndarray::fuzz {
namespace {

void CheckFields(const std::vector<Field>& fields, int64_t element_bytes) {
  Check(!fields.empty() && fields.size() <= kMaxRecordFields);
  for (const Field& field : fields) {
    const auto size_bytes = static_cast<int64_t>(field.dtype.size_bytes());
    Check(field.offset_bytes >= 0 && field.offset_bytes <= element_bytes - size_bytes);
  }
}

// Whether numbers that may be lengths of arrays in a record multiply to more than this.
bool HasManyFields(std::string_view text) {
  constexpr int64_t kManyFields = 1000;
  constexpr size_t kMaxDigits = 5;  // no array in a record has more elements
  const bool is_record = text.find('[') != std::string_view::npos;
  const auto is = [&](int (*kind)(int), size_t at) {
    return at < text.size() && kind(static_cast<unsigned char>(text[at])) != 0;
  };
  int64_t product = 1;
  bool is_quoted = false;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\'' || text[at] == '"') is_quoted = !is_quoted;
    if (!is(std::isdigit, at)) continue;
    const size_t start = at;
    int64_t value = 0;
    for (; is(std::isdigit, at); ++at) {
      if (at - start < kMaxDigits) value = value * 10 + (text[at] - '0');
    }
    const size_t digits = at-- - start;  // what ends the number may be a quote
    const bool is_size = start > 0 && is(std::isalpha, start - 1);  // <f4
    if (is_size || digits > kMaxDigits || !(is_record || is_quoted)) continue;
    product *= std::max<int64_t>(value, 1);
    if (product > kManyFields) return true;
  }
  return false;
}

void CheckHeader(const NpyHeader& header) {
  Check(header.shape.size() >= 1 && header.shape.size() <= kMaxAxes);
  Check(NpyDataBytes(header) <= uint64_t{INT64_MAX});
  for (const int64_t count : header.shape) Check(count >= 1);
  CheckFields(header.fields, header.element_bytes);
}

// The text of a header or of a metalayer, alone.
void RunText(std::string_view text) {
  CheckResult(ParseTypeString(text));
  if (IsCommaDtype(text)) CheckResult(ParseCommaDtype(text, "dtype"));
  const Result<PyValue> literal = ParsePythonLiteral(text);
  CheckResult(literal);
  if (!literal.ok()) return;
  for (const bool is_printed : {false, true}) {
    const Result<ElementType> type = ParseElementType(*literal, "dtype", is_printed);
    CheckResult(type);
    if (type.ok()) CheckFields(type->fields, type->element_bytes);
  }
}

void Run(std::string_view bytes) {
  if (HasManyFields(bytes)) return;
  if (bytes.substr(0, 1) != kNpyMagic.substr(0, 1)) return RunText(bytes);
  const Result<NpyHeader> header = ParseNpyHeader(bytes);
  CheckResult(header);
  if (header.ok()) CheckHeader(*header);
}

}  // namespace
}  // namespace ndarray::fuzz

NDARRAY_FUZZ_TARGET(ndarray::fuzz::Run)
