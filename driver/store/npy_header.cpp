#include "driver/store/npy_header.h"

#include <algorithm>

#include "driver/store/checked_math.h"
#include "driver/store/python_literal.h"

namespace ndarray {
namespace {

constexpr size_t kVersionOffset = kNpyMagic.size();
constexpr size_t kLengthOffset = kVersionOffset + 2;
constexpr size_t kQuotedBytes = 60;

size_t LengthBytes(int major_version) { return major_version == 1 ? 2 : 4; }

Status Corrupt(std::string_view field, std::string_view found, std::string_view wanted) {
  return Mismatch(StatusCode::kCorrupt, field, found, wanted);
}

Status TooMuch(std::string_view field, std::string_view found, std::string_view wanted) {
  return Mismatch(StatusCode::kNotSupported, field, found, wanted);
}

// Text of the file for messages and metadata, cut between two characters.
std::string Quoted(std::string_view text) {
  if (text.size() <= kQuotedBytes) return std::string(text);
  size_t size = kQuotedBytes;
  while (size > 0 && (text[size] & 0xC0) == 0x80) --size;
  return std::string(text.substr(0, size)) + "...";
}

bool IsUtf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i++]);
    const size_t trailing = lead < 0x80 ? 0 : lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
    if ((lead >= 0x80 && lead < 0xC2) || lead > 0xF4 || text.size() - i < trailing) return false;
    uint32_t code_point = trailing == 0 ? lead : lead & (0x3Fu >> trailing);
    for (size_t k = 0; k < trailing; ++k, ++i) {
      if ((text[i] & 0xC0) != 0x80) return false;
      code_point = code_point << 6 | (static_cast<unsigned char>(text[i]) & 0x3Fu);
    }
    const bool overlong = code_point < (trailing == 2 ? 0x800u : trailing == 3 ? 0x10000u : 0u);
    const bool surrogate = code_point >= 0xD800 && code_point < 0xE000;
    if (overlong || surrogate || code_point > 0x10FFFF) return false;
  }
  return true;
}

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

// Collects the numeric fields of a record's descr, with their offsets.
class RecordParser {
 public:
  explicit RecordParser(std::vector<Field>& fields) : fields_(fields) {}

  // Adds the fields of [(name, type), (name, type, shape), ...] and returns the record's size.
  Result<int64_t> AddRecord(const PyList& list, const std::string& prefix, int64_t offset_bytes) {
    if (list.items.empty()) return Corrupt("descr", "a record without fields", "at least one");
    int64_t size_bytes = 0;
    for (const PyValue& item : list.items) {
      Result<int64_t> field_bytes = AddItem(item, prefix, offset_bytes + size_bytes);
      if (!field_bytes.ok()) return field_bytes;
      const auto sum = CheckedAdd(size_bytes, *field_bytes);
      // Keeps every later offset + size far from overflow, too.
      if (!sum || *sum > INT32_MAX) return TooMuch("descr", "2 GiB or more", "smaller records");
      size_bytes = *sum;
    }
    return size_bytes;
  }

 private:
  Result<int64_t> AddItem(const PyValue& item, const std::string& prefix, int64_t offset_bytes) {
    const auto* tuple = item.As<PyTuple>();
    if (tuple == nullptr || tuple->items.size() < 2 || tuple->items.size() > 3) {
      return Corrupt("descr", Quoted(item.text), "a field as (name, type) or (name, type, shape)");
    }
    const PyValue* name_value = &tuple->items[0];
    if (const auto* titled = name_value->As<PyTuple>(); titled && titled->items.size() == 2) {
      name_value = &titled->items[1];  // (title, name)
    }
    const auto* name = name_value->As<std::string>();
    if (name == nullptr) return Corrupt("descr", Quoted(item.text), "a field name");

    int64_t count = 1;
    if (tuple->items.size() == 3) {
      Result<int64_t> product = SubarrayCount(tuple->items[2]);
      if (!product.ok()) return product;
      count = *product;
    }
    int64_t size_bytes = 0;
    for (int64_t i = 0; i < count; ++i) {
      const std::string index = tuple->items.size() == 3 ? "[" + std::to_string(i) + "]" : "";
      Result<int64_t> one =
          AddType(tuple->items[1], prefix, *name + index, offset_bytes + size_bytes);
      if (!one.ok()) return one;
      size_bytes += *one;
      if (size_bytes > INT32_MAX) return TooMuch("descr", "2 GiB or more", "smaller records");
    }
    return size_bytes;
  }

  // The product of a field's own shape: an int or a tuple of ints.
  static Result<int64_t> SubarrayCount(const PyValue& shape) {
    int64_t product = 1;
    const auto* tuple = shape.As<PyTuple>();
    const PyValue* const axes = tuple != nullptr ? tuple->items.data() : &shape;
    const size_t rank = tuple != nullptr ? tuple->items.size() : 1;
    for (size_t axis = 0; axis < rank; ++axis) {
      const auto* count = axes[axis].As<int64_t>();
      if (count == nullptr || *count < 0) {
        return Corrupt("descr", Quoted(shape.text), "a field shape of integers, none negative");
      }
      const auto next = CheckedMultiply(product, *count);
      if (!next || *next < 1 || *next > static_cast<int64_t>(kMaxNpyFields)) {
        return TooMuch("descr", Quoted(shape.text), "a field shape of 1 to 65536 elements");
      }
      product = *next;
    }
    return product;
  }

  Result<int64_t> AddType(const PyValue& type, const std::string& prefix, const std::string& name,
                          int64_t offset_bytes) {
    work_bytes_ += kVisitBytes + prefix.size() + name.size();
    if (work_bytes_ > kMaxWorkBytes) {
      return TooMuch("descr", "more fields and longer names", "at most 16 MiB of them");
    }
    if (const auto* nested = type.As<PyList>()) {
      return AddRecord(*nested, prefix + name + ".", offset_bytes);
    }
    const auto* text = type.As<std::string>();
    if (text == nullptr) return Corrupt("descr", Quoted(type.text), "a type string");
    if (name.empty()) return Padding(*text);
    Result<DType> dtype = ParseTypeString(*text);
    if (!dtype.ok()) return dtype.status().At("field '" + prefix + name + "'");
    if (fields_.size() >= kMaxNpyFields) {
      return TooMuch("descr", "more fields", "at most " + std::to_string(kMaxNpyFields));
    }
    fields_.push_back({prefix + name, *dtype, offset_bytes});
    return static_cast<int64_t>(dtype->size_bytes());
  }

  // numpy writes the gaps of an aligned record as ('', '|V4').
  static Result<int64_t> Padding(const std::string& type) {
    const size_t kind = type.substr(0, 1) == "|" ? 1 : 0;
    if (type.substr(kind, 1) != "V") {
      return Corrupt("descr", "a field without a name", "a name, or padding '|V<n>'");
    }
    int64_t size_bytes = 0;
    for (const char c : type.substr(kind + 1)) {
      if (c < '0' || c > '9') return Corrupt("descr", "padding '" + Quoted(type) + "'", "|V<n>");
      size_bytes = size_bytes * 10 + (c - '0');
      if (size_bytes > INT32_MAX) return TooMuch("descr", "2 GiB or more", "smaller records");
    }
    return size_bytes;
  }

  // Arrays of records of arrays multiply, and so do the names before theirs: a few hundred bytes of
  // header could ask for years and terabytes.
  static constexpr size_t kMaxWorkBytes = size_t{16} << 20;
  static constexpr size_t kVisitBytes = 16;

  std::vector<Field>& fields_;
  size_t work_bytes_ = 0;
};

Status ParseDescr(const PyValue& descr, NpyHeader& header) {
  header.dtype_text = Quoted(descr.text);
  if (const auto* text = descr.As<std::string>()) {
    Result<DType> dtype = ParseTypeString(*text);
    if (!dtype.ok()) return dtype.status();
    header.fields.push_back({"", *dtype, 0});
    header.element_bytes = static_cast<int64_t>(dtype->size_bytes());
    header.dtype_text = *text;
    return {};
  }
  const auto* list = descr.As<PyList>();
  if (list == nullptr) {
    return Corrupt("descr", Quoted(descr.text), "a type string or a list of fields");
  }
  Result<int64_t> size_bytes = RecordParser(header.fields).AddRecord(*list, "", 0);
  if (!size_bytes.ok()) return size_bytes.status();
  if (header.fields.empty()) return Corrupt("descr", "only padding", "a numeric field");
  header.is_record = true;
  header.element_bytes = *size_bytes;
  return {};
}

Status ParseShape(const PyValue& shape, NpyHeader& header) {
  const auto* tuple = shape.As<PyTuple>();
  const std::string found = Quoted(shape.text);
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
  for (const auto& [key, value] : dict.items) {
    const PyValue*& slot = key == "descr" ? descr : key == "shape" ? shape : fortran_order;
    if ((&slot == &fortran_order && key != "fortran_order") || slot != nullptr) {
      return Corrupt("header key", "'" + Quoted(key) + "'",
                     "'descr', 'fortran_order' and 'shape', each once");
    }
    slot = &value;
  }
  if (descr == nullptr || fortran_order == nullptr || shape == nullptr) {
    return Corrupt("header keys", std::to_string(dict.items.size()),
                   "'descr', 'fortran_order' and 'shape'");
  }
  const auto* fortran = fortran_order->As<bool>();
  if (fortran == nullptr) {
    return Corrupt("fortran_order", Quoted(fortran_order->text), "True or False");
  }
  header.fortran_order = *fortran;
  Status status = ParseDescr(*descr, header);
  return status.ok() ? ParseShape(*shape, header) : status;
}

void AppendLittleEndian(size_t value, size_t bytes, std::string& out) {
  for (size_t i = 0; i < bytes; ++i) out += static_cast<char>((value >> (8 * i)) & 0xFF);
}

}  // namespace

Result<uint64_t> NpyDataOffset(std::string_view start) {
  if (start.substr(0, kNpyMagic.size()) != kNpyMagic) {
    return Corrupt("magic", "other bytes", "\\x93NUMPY");
  }
  if (start.size() < kLengthOffset) {
    return Corrupt("header", std::to_string(start.size()) + " bytes", "at least 10");
  }
  const int major = static_cast<unsigned char>(start[kVersionOffset]);
  const int minor = static_cast<unsigned char>(start[kVersionOffset + 1]);
  if (major < 1 || major > 3 || minor != 0) {
    return Mismatch(StatusCode::kNotSupported, "version",
                    std::to_string(major) + "." + std::to_string(minor), "1.0, 2.0 or 3.0");
  }
  const size_t text_offset = kLengthOffset + LengthBytes(major);
  if (start.size() < text_offset) {
    return Corrupt("header", std::to_string(start.size()) + " bytes",
                   "at least " + std::to_string(text_offset));
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
  if (dict == nullptr) return Corrupt("header literal", Quoted(literal->text), "a dict");
  Status status = ParseDict(*dict, header);
  if (!status.ok()) return status;
  return header;
}

std::string FormatNpyHeader(const DType& dtype, bool fortran_order, const AxisVector& shape,
                            size_t alignment_bytes) {
  const std::string text = "{'descr': '" + TypeString(dtype) +
                           "', 'fortran_order': " + (fortran_order ? "True" : "False") +
                           ", 'shape': " + ShapeString(shape) + ", }";
  constexpr size_t kTextOffset = kLengthOffset + 2;  // version 1: 64 axes fit in 64 KiB
  const size_t unpadded = kTextOffset + text.size() + 1;
  const size_t padded = (unpadded + alignment_bytes - 1) / alignment_bytes * alignment_bytes;
  std::string header(kNpyMagic);
  header += '\x01';
  header += '\x00';
  AppendLittleEndian(padded - kTextOffset, 2, header);
  header += text;
  header.append(padded - unpadded, ' ');
  return header + '\n';
}

uint64_t NpyDataBytes(const NpyHeader& header) {
  auto bytes = static_cast<uint64_t>(header.element_bytes);
  for (const int64_t count : header.shape) bytes *= static_cast<uint64_t>(count);
  return bytes;
}

}  // namespace ndarray
