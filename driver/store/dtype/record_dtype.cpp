#include "driver/store/dtype/record_dtype.h"

#include <algorithm>
#include <optional>

#include "driver/store/checked_math.h"
#include "driver/store/dtype/comma_dtype.h"
#include "driver/store/text.h"

namespace ndarray {
namespace {

Status TooMuch(std::string_view field, std::string_view found, std::string_view wanted) {
  return Mismatch(StatusCode::kNotSupported, field, found, wanted);
}

// Collects the numeric fields of a record's descr, with their offsets.
class RecordParser {
 public:
  // is_printed: there may be dicts, and void fields named f0, f1, ... are gaps, too: NumPy gives
  // those of a descr a name.
  RecordParser(std::vector<Field>& fields, const char* field, bool is_printed)
      : fields_(fields), field_(field), is_printed_(is_printed) {}

  // Adds the fields of [(name, type), (name, type, shape), ...] and returns the record's size.
  Result<int64_t> AddRecord(const PyList& list, const std::string& prefix, int64_t offset_bytes) {
    if (list.items.empty()) return Corrupt(field_, "a record without fields", "at least one");
    int64_t size_bytes = 0;
    for (const PyValue& item : list.items) {
      Result<int64_t> field_bytes = AddItem(item, prefix, offset_bytes + size_bytes);
      if (!field_bytes.ok()) return field_bytes;
      const auto sum = CheckedAdd(size_bytes, *field_bytes);
      // Keeps every later offset + size far from overflow, too.
      if (!sum || *sum > INT32_MAX) return TooMuch(field_, "2 GiB or more", "smaller records");
      size_bytes = *sum;
    }
    return size_bytes;
  }

  // Adds the fields of {'names': [...], 'formats': [...], 'offsets': [...], 'itemsize': n, ...} and
  // returns the record's size. Without offsets one field follows the other.
  Result<int64_t> AddDict(const PyDict& dict, const std::string& prefix, int64_t offset_bytes) {
    Status status = CountWork(kVisitBytes * dict.items.size());
    if (!status.ok()) return status;
    const auto parts = PartsOf(dict);
    if (!parts) {
      return Corrupt(field_, "another dict",
                     "'names', 'formats' and 'offsets' of one length, and 'itemsize'");
    }
    const auto& [names, formats, offsets, size_bytes] = *parts;
    const int64_t max_bytes = size_bytes != nullptr ? *size_bytes : int64_t{INT32_MAX};
    if (max_bytes > INT32_MAX) return TooMuch(field_, "2 GiB or more", "smaller records");
    int64_t end_bytes = 0;  // of the last field
    int64_t used_bytes = 0;
    for (size_t i = 0; i < names->items.size(); ++i) {
      const auto* name = names->items[i].As<std::string>();
      const auto* offset = offsets != nullptr ? offsets->items[i].As<int64_t>() : &end_bytes;
      if (name == nullptr || name->empty() || offset == nullptr || *offset < 0 ||
          *offset > max_bytes) {
        return Corrupt(field_, Excerpt(names->items[i].text),
                       "a field name, and an offset within the record");
      }
      const int64_t start_bytes = *offset;
      Result<int64_t> field_bytes =
          AddTyped(*name, formats->items[i], nullptr, prefix, offset_bytes + start_bytes);
      if (!field_bytes.ok()) return field_bytes;
      if (*field_bytes > max_bytes - start_bytes) {
        return Corrupt(field_, "field '" + Excerpt(*name) + "' beyond the record",
                       "fields within " + std::to_string(max_bytes) + " bytes");
      }
      end_bytes = start_bytes + *field_bytes;
      used_bytes = std::max(used_bytes, end_bytes);
    }
    const int64_t record_bytes = size_bytes != nullptr ? *size_bytes : used_bytes;
    if (record_bytes < 0) return Corrupt(field_, std::to_string(record_bytes), "an 'itemsize'");
    return record_bytes;
  }

  // The elements of an array of `shape`, an int or ints. The product is at least 1.
  Result<int64_t> SubarrayCount(const PyValue& shape) const {
    int64_t product = 1;
    const auto* tuple = shape.As<PyTuple>();
    const auto* list = shape.As<PyList>();
    const std::vector<PyValue>* const items = tuple != nullptr  ? &tuple->items
                                              : list != nullptr ? &list->items
                                                                : nullptr;
    const PyValue* const axes = items != nullptr ? items->data() : &shape;
    const size_t rank = items != nullptr ? items->size() : 1;
    if (rank > static_cast<size_t>(kMaxAxes)) {
      return TooMuch(field_, std::to_string(rank) + " axes of a field",
                     "at most " + std::to_string(kMaxAxes));
    }
    for (size_t axis = 0; axis < rank; ++axis) {
      const auto* count = axes[axis].As<int64_t>();
      if (count == nullptr || *count < 0) {
        return Corrupt(field_, Excerpt(shape.text), "a field shape of integers, none negative");
      }
      const auto next = CheckedMultiply(product, *count);
      if (!next || *next < 1 || *next > static_cast<int64_t>(kMaxRecordFields)) {
        return TooMuch(field_, Excerpt(shape.text), "a field shape of 1 to 65536 elements");
      }
      product = *next;
    }
    return product;
  }

 private:
  struct DictParts {
    const PyList* names = nullptr;
    const PyList* formats = nullptr;
    const PyList* offsets = nullptr;      // or none
    const int64_t* size_bytes = nullptr;  // or none
  };

  // Where NumPy would align fields itself, nothing: what it wrote has their offsets.
  static std::optional<DictParts> PartsOf(const PyDict& dict) {
    DictParts parts;
    bool aligned = false;
    for (const auto& [key, value] : dict.items) {
      if (key == "names") parts.names = value.As<PyList>();
      if (key == "formats") parts.formats = value.As<PyList>();
      if (key == "aligned") aligned = value.As<bool>() != nullptr && *value.As<bool>();
      if (key == "offsets" && (parts.offsets = value.As<PyList>()) == nullptr) return std::nullopt;
      if (key == "itemsize" && (parts.size_bytes = value.As<int64_t>()) == nullptr) {
        return std::nullopt;
      }
    }
    const bool is_whole = parts.offsets != nullptr && parts.size_bytes != nullptr;
    if (parts.names == nullptr || parts.formats == nullptr || (aligned && !is_whole)) {
      return std::nullopt;
    }
    const size_t fields = parts.names->items.size();
    if (parts.formats->items.size() != fields ||
        (parts.offsets != nullptr && parts.offsets->items.size() != fields)) {
      return std::nullopt;
    }
    return parts;
  }

  Status CountWork(size_t bytes) {
    work_bytes_ += bytes;
    if (work_bytes_ <= kMaxWorkBytes) return {};
    return TooMuch(field_, "more fields and longer names", "at most 16 MiB of them");
  }

  Result<int64_t> AddItem(const PyValue& item, const std::string& prefix, int64_t offset_bytes) {
    const auto* tuple = item.As<PyTuple>();
    const auto* list = item.As<PyList>();
    const std::vector<PyValue>* const parts = tuple != nullptr  ? &tuple->items
                                              : list != nullptr ? &list->items
                                                                : nullptr;
    if (parts == nullptr || parts->size() < 2 || parts->size() > 3) {
      return Corrupt(field_, Excerpt(item.text), "a field as (name, type) or (name, type, shape)");
    }
    const PyValue* name_value = &(*parts)[0];
    if (const auto* titled = name_value->As<PyTuple>(); titled && titled->items.size() == 2) {
      name_value = &titled->items[1];  // (title, name)
    }
    const auto* name = name_value->As<std::string>();
    if (name == nullptr) return Corrupt(field_, Excerpt(item.text), "a field name");
    return AddTyped(*name, (*parts)[1], parts->size() == 3 ? &(*parts)[2] : nullptr, prefix,
                    offset_bytes);
  }

  // A field of any type, or where `shape` is given an array of them; returns its size.
  Result<int64_t> AddTyped(const std::string& name, const PyValue& type, const PyValue* shape,
                           const std::string& prefix, int64_t offset_bytes) {
    const auto* text = type.As<std::string>();
    if (text != nullptr && IsCommaDtype(*text)) {  // parsed once, however many elements there are
      Status status = CountWork(kVisitBytes + text->size());
      if (!status.ok()) return status;
      Result<PyValue> parsed = ParseCommaDtype(*text, field_);
      if (!parsed.ok()) return parsed.status();
      return AddTyped(name, *parsed, shape, prefix, offset_bytes);
    }
    int64_t count = 1;
    if (shape != nullptr) {
      Result<int64_t> product = SubarrayCount(*shape);
      if (!product.ok()) return product;
      count = *product;
    }
    int64_t size_bytes = 0;
    const bool is_gap = text != nullptr && IsGap(name, *text);
    for (int64_t i = 0; i < count; ++i) {
      const std::string index = shape != nullptr && !is_gap ? "[" + std::to_string(i) + "]" : "";
      Result<int64_t> one = AddType(type, prefix, name + index, offset_bytes + size_bytes);
      if (!one.ok()) return one;
      size_bytes += *one;
      if (size_bytes > INT32_MAX) return TooMuch(field_, "2 GiB or more", "smaller records");
    }
    return size_bytes;
  }

  Result<int64_t> AddType(const PyValue& type, const std::string& prefix, const std::string& name,
                          int64_t offset_bytes) {
    const auto* text = type.As<std::string>();
    Status status =
        CountWork(kVisitBytes + prefix.size() + name.size() + (text != nullptr ? text->size() : 0));
    if (!status.ok()) return status;
    if (const auto* nested = type.As<PyList>()) {
      return AddRecord(*nested, prefix + name + ".", offset_bytes);
    }
    if (const auto* dict = type.As<PyDict>(); dict != nullptr && is_printed_) {
      return AddDict(*dict, prefix + name + ".", offset_bytes);
    }
    if (const auto* pair = type.As<PyTuple>(); pair != nullptr && pair->items.size() == 2) {
      return AddTyped(name, pair->items[0], &pair->items[1], prefix, offset_bytes);
    }
    if (text == nullptr) return Corrupt(field_, Excerpt(type.text), "a type string");
    if (IsGap(name, *text)) return Padding(*text);
    Result<DType> dtype = ParseTypeString(*text);
    if (!dtype.ok()) return dtype.status().At("field '" + Excerpt(prefix + name) + "'");
    if (fields_.size() >= kMaxRecordFields) {
      return TooMuch(field_, "more fields", "at most " + std::to_string(kMaxRecordFields));
    }
    fields_.push_back({prefix + name, *dtype, offset_bytes});
    return static_cast<int64_t>(dtype->size_bytes());
  }

  // "f1", ...: what NumPy calls fields that had no name.
  static bool IsNumbered(const std::string& name) {
    return name.size() > 1 && name[0] == 'f' &&
           name.find_first_not_of("0123456789", 1) == std::string::npos;
  }

  static size_t KindAt(const std::string& type) {
    return !type.empty() && std::string_view("<>|=").find(type[0]) != std::string_view::npos ? 1
                                                                                             : 0;
  }

  static bool IsVoid(const std::string& type) { return type.substr(KindAt(type), 1) == "V"; }

  bool IsGap(const std::string& name, const std::string& type) const {
    return (name.empty() || (is_printed_ && IsNumbered(name))) && IsVoid(type);
  }

  // numpy writes the gaps of an aligned record as ('', '|V4').
  Result<int64_t> Padding(const std::string& type) const {
    int64_t size_bytes = 0;
    for (const char c : type.substr(KindAt(type) + 1)) {
      if (c < '0' || c > '9') return Corrupt(field_, "padding '" + Excerpt(type) + "'", "|V<n>");
      size_bytes = size_bytes * 10 + (c - '0');
      if (size_bytes > INT32_MAX) return TooMuch(field_, "2 GiB or more", "smaller records");
    }
    return size_bytes;
  }

  // Arrays of records of arrays multiply, and so do the names before theirs: a few hundred bytes of
  // header could ask for years and terabytes.
  static constexpr size_t kMaxWorkBytes = size_t{16} << 20;
  static constexpr size_t kVisitBytes = 16;

  std::vector<Field>& fields_;
  const char* const field_;
  const bool is_printed_;
  size_t work_bytes_ = 0;
};

}  // namespace

ElementType PlainElement(const DType& dtype) {
  ElementType type;
  type.fields.push_back({"", dtype, 0});
  type.element_bytes = static_cast<int64_t>(dtype.size_bytes());
  type.text = TypeString(dtype);
  return type;
}

Result<ElementType> ParseElementType(const PyValue& descr, const char* field, bool is_printed) {
  ElementType type;
  type.text = Excerpt(descr.text);
  RecordParser parser(type.fields, field, is_printed);
  if (const auto* text = descr.As<std::string>()) {
    type.text = Excerpt(*text);
    if (IsCommaDtype(*text)) {
      Result<PyValue> parsed = ParseCommaDtype(*text, field);
      return parsed.ok() ? ParseElementType(*parsed, field, is_printed) : parsed.status();
    }
    Result<DType> dtype = ParseTypeString(*text);
    if (!dtype.ok()) return dtype.status();
    type.fields.push_back({"", *dtype, 0});
    type.element_bytes = static_cast<int64_t>(dtype->size_bytes());
    return type;
  }
  if (const auto* pair = descr.As<PyTuple>(); pair != nullptr && pair->items.size() == 2) {
    Result<int64_t> count = parser.SubarrayCount(pair->items[1]);
    if (!count.ok()) return count.status();
    if (*count == 1) return ParseElementType(pair->items[0], field, is_printed);
    return TooMuch(field, Excerpt(descr.text), "elements that are no arrays themselves");
  }
  const auto* list = descr.As<PyList>();
  const auto* dict = is_printed ? descr.As<PyDict>() : nullptr;
  if (list == nullptr && dict == nullptr) {
    return Corrupt(field, Excerpt(descr.text),
                   is_printed ? "a type string, a list of fields or a dict of them"
                              : "a type string or a list of fields");
  }
  Result<int64_t> size_bytes =
      dict != nullptr ? parser.AddDict(*dict, "", 0) : parser.AddRecord(*list, "", 0);
  if (!size_bytes.ok()) return size_bytes.status();
  if (type.fields.empty()) return Corrupt(field, "only padding", "a numeric field");
  type.is_record = true;
  type.literal = descr.text;
  type.element_bytes = *size_bytes;
  return type;
}

}  // namespace ndarray
