// Any bytes as what parsers of text get: a .npy header, a Python literal, a dtype.
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
  if (bytes.substr(0, 1) != kNpyMagic.substr(0, 1)) return RunText(bytes);
  const Result<NpyHeader> header = ParseNpyHeader(bytes);
  CheckResult(header);
  if (header.ok()) CheckHeader(*header);
}

}  // namespace
}  // namespace ndarray::fuzz

NDARRAY_FUZZ_TARGET(ndarray::fuzz::Run)
