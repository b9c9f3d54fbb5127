#include "driver/store/npy/npy_header.h"

#include <algorithm>

#include "driver/store/checked_math.h"
#include "driver/store/damage.h"
#include "driver/store/dtype/python_literal.h"
#include "driver/store/dtype/record_dtype.h"
#include "driver/store/little_endian.h"
#include "driver/store/text.h"

namespace ndarray {
namespace {

constexpr size_t kVersionOffset = kNpyMagic.size();
constexpr size_t kLengthOffset = kVersionOffset + 2;

size_t LengthBytes(int major_version) { return major_version == 1 ? 2 : 4; }

std::string Latin1ToUtf8(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      out += c;
    } else {
      out += static_cast<char>(0xC0 | (byte >> 6));
      out += static_cast<char>(0x80 | (byte & 0x3F));
    }
  }
  return out;
}

Status ParseDescr(const PyValue& descr, NpyHeader& header) {
  Result<ElementType> type = ParseElementType(descr, "descr", false);
  if (!type.ok()) return type.status();
  header.fields = std::move(type->fields);
  header.is_record = type->is_record;
  header.element_bytes = type->element_bytes;
  header.dtype_text = std::move(type->text);
  header.record_text = std::move(type->literal);
  return {};
}

Status ParseShape(const PyValue& shape, NpyHeader& header) {
  const auto* tuple = shape.As<PyTuple>();
  const std::string found = Excerpt(shape.text);
  if (tuple == nullptr) return Corrupt("shape", found, "a tuple");
  if (tuple->items.empty()) {
    return Mismatch(StatusCode::kNotSupported, "shape", found, "at least one axis");
  }
  if (tuple->items.size() > static_cast<size_t>(kMaxAxes)) {
    return Mismatch(StatusCode::kNotSupported, "shape",
                    std::to_string(tuple->items.size()) + " axes",
                    "at most " + std::to_string(kMaxAxes));
  }
  for (const PyValue& axis : tuple->items) {
    const auto* count = axis.As<int64_t>();
    if (count == nullptr || *count < 0) {
      return Corrupt("shape", found, "integers that are not negative");
    }
    if (*count == 0) {
      return Mismatch(StatusCode::kNotSupported, "shape", found, "no axis of size 0");
    }
    header.shape.push_back(*count);
  }
  const auto elements = CheckedProduct(header.shape);
  if (!elements || !CheckedMultiply(*elements, header.element_bytes)) {
    return Corrupt("shape", found, "less than 2^63 bytes in all");
  }
  return {};
}

Status ParseDict(const PyDict& dict, NpyHeader& header) {
  const PyValue* descr = nullptr;
  const PyValue* fortran_order = nullptr;
  const PyValue* shape = nullptr;
  for (const auto& [key, value] : dict.items) {  // of a key that comes twice, the last counts
    if (key == "descr") {
      descr = &value;
    } else if (key == "fortran_order") {
      fortran_order = &value;
    } else if (key == "shape") {
      shape = &value;
    } else {
      return Corrupt("header key", "'" + Excerpt(key) + "'",
                     "'descr', 'fortran_order' and 'shape' alone");
    }
  }
  if (descr == nullptr || fortran_order == nullptr || shape == nullptr) {
    std::string found;
    if (descr != nullptr) found += " 'descr'";
    if (fortran_order != nullptr) found += " 'fortran_order'";
    if (shape != nullptr) found += " 'shape'";
    return Corrupt("header keys", found.empty() ? "none" : "only" + found,
                   "'descr', 'fortran_order' and 'shape'");
  }
  const auto* fortran = fortran_order->As<bool>();
  if (fortran == nullptr) {
    return Corrupt("fortran_order", Excerpt(fortran_order->text), "True or False");
  }
  header.fortran_order = *fortran;
  Status status = ParseDescr(*descr, header);
  return status.ok() ? ParseShape(*shape, header) : status;
}

std::string Format(std::string_view descr, bool fortran_order, const AxisVector& shape,
                   size_t alignment_bytes) {
  const std::string text = "{'descr': " + std::string(descr) +
                           ", 'fortran_order': " + (fortran_order ? "True" : "False") +
                           ", 'shape': " + ShapeString(shape) + ", }";
  const auto padded = [&](int version) {
    const size_t unpadded = kLengthOffset + LengthBytes(version) + text.size() + 1;
    return (unpadded + alignment_bytes - 1) / alignment_bytes * alignment_bytes;
  };
  const bool is_ascii = std::all_of(text.begin(), text.end(), [](char c) { return c > 0; });
  const int version = !is_ascii ? 3 : padded(1) - kLengthOffset - 2 <= UINT16_MAX ? 1 : 2;
  const size_t text_offset = kLengthOffset + LengthBytes(version);
  std::string header(kNpyMagic);
  header += static_cast<char>(version);
  header += '\x00';
  AppendLittle(header, padded(version) - text_offset, LengthBytes(version));
  header += text;
  header.append(padded(version) - header.size() - 1, ' ');
  return header + '\n';
}

}  // namespace

Result<uint64_t> NpyDataOffset(std::string_view start) {
  if (start.substr(0, kNpyMagic.size()) != kNpyMagic) {
    return OtherFormat(".npy", start, kNpyMagic, kLengthOffset);
  }
  if (start.size() < kLengthOffset) {
    return CutShort(start.size(), kLengthOffset, "at least ");
  }
  const int major = static_cast<unsigned char>(start[kVersionOffset]);
  const int minor = static_cast<unsigned char>(start[kVersionOffset + 1]);
  if (major < 1 || major > 3 || minor != 0) {
    return Mismatch(StatusCode::kNotSupported, "version",
                    std::to_string(major) + "." + std::to_string(minor), "1.0, 2.0 or 3.0");
  }
  const size_t text_offset = kLengthOffset + LengthBytes(major);
  if (start.size() < text_offset) {
    return CutShort(start.size(), text_offset, "at least ");
  }
  uint64_t length = 0;
  for (size_t i = text_offset; i-- > kLengthOffset;) {
    length = length << 8 | static_cast<unsigned char>(start[i]);
  }
  if (length > kMaxNpyHeaderBytes) {
    return Corrupt("header length", std::to_string(length) + " bytes",
                   "at most " + std::to_string(kMaxNpyHeaderBytes));
  }
  return text_offset + length;
}

Result<NpyHeader> ParseNpyHeader(std::string_view bytes) {
  Result<uint64_t> data_offset = NpyDataOffset(bytes.substr(0, kNpyPreambleBytes));
  if (!data_offset.ok()) return data_offset.status();
  if (bytes.size() < *data_offset) {
    return Corrupt("header", std::to_string(bytes.size()) + " bytes", std::to_string(*data_offset));
  }
  NpyHeader header;
  header.major_version = static_cast<unsigned char>(bytes[kVersionOffset]);
  header.data_offset_bytes = *data_offset;
  const size_t text_offset = kLengthOffset + LengthBytes(header.major_version);
  std::string text(bytes.substr(text_offset, *data_offset - text_offset));
  if (header.major_version < 3) text = Latin1ToUtf8(text);
  if (!IsUtf8(text)) return Corrupt("header text", "other bytes", "UTF-8 in version 3");

  Result<PyValue> literal = ParsePythonLiteral(text);
  if (!literal.ok()) return literal.status();
  const auto* dict = literal->As<PyDict>();
  if (dict == nullptr) return Corrupt("header literal", Excerpt(literal->text), "a dict");
  Status status = ParseDict(*dict, header);
  if (!status.ok()) return status;
  return header;
}

std::string FormatNpyHeader(const DType& dtype, bool fortran_order, const AxisVector& shape,
                            size_t alignment_bytes) {
  return Format("'" + TypeString(dtype) + "'", fortran_order, shape, alignment_bytes);
}

std::string FormatNpyHeader(std::string_view descr, const AxisVector& shape,
                            size_t alignment_bytes) {
  return Format(descr, false, shape, alignment_bytes);
}

uint64_t NpyDataBytes(const NpyHeader& header) {
  auto bytes = static_cast<uint64_t>(header.element_bytes);
  for (const int64_t count : header.shape) bytes *= static_cast<uint64_t>(count);
  return bytes;
}

}  // namespace ndarray
