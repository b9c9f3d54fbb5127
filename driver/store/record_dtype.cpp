#include "driver/store/record_dtype.h"

#include "driver/store/checked_math.h"
#include "driver/store/text.h"

namespace ndarray {
namespace {

Status Corrupt(std::string_view field, std::string_view found, std::string_view wanted) {
  return Mismatch(StatusCode::kCorrupt, field, found, wanted);
}

Status TooMuch(std::string_view field, std::string_view found, std::string_view wanted) {
  return Mismatch(StatusCode::kNotSupported, field, found, wanted);
}

// Collects the numeric fields of a record's descr, with their offsets.
class RecordParser {
 public:
  // names_gaps: void fields named f0, f1, ... are gaps, too: NumPy gives those of a descr a name.
  RecordParser(std::vector<Field>& fields, const char* field, bool names_gaps)
      : fields_(fields), field_(field), names_gaps_(names_gaps) {}

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
  // returns the record's size.
  Result<int64_t> AddDict(const PyDict& dict) {
    const PyList* const names = Entry<PyList>(dict, "names");
    const PyList* const formats = Entry<PyList>(dict, "formats");
    const PyList* const offsets = Entry<PyList>(dict, "offsets");
    const int64_t* const size_bytes = Entry<int64_t>(dict, "itemsize");
    if (names == nullptr || formats == nullptr || offsets == nullptr || size_bytes == nullptr ||
        formats->items.size() != names->items.size() ||
        offsets->items.size() != names->items.size()) {
      return Corrupt(field_, "another dict",
                     "'names', 'formats' and 'offsets' of one length, and 'itemsize'");
    }
    if (*size_bytes > INT32_MAX) return TooMuch(field_, "2 GiB or more", "smaller records");
    for (size_t i = 0; i < names->items.size(); ++i) {
      const auto* name = names->items[i].As<std::string>();
      const auto* offset = offsets->items[i].As<int64_t>();
      if (name == nullptr || name->empty() || offset == nullptr || *offset < 0 ||
          *offset > *size_bytes) {
        return Corrupt(field_, Excerpt(names->items[i].text),
                       "a field name, and an offset within the record");
      }
      const PyValue* type = &formats->items[i];
      const PyValue* shape = nullptr;
      if (const auto* pair = type->As<PyTuple>(); pair != nullptr && pair->items.size() == 2) {
        type = &pair->items[0];
        shape = &pair->items[1];
      }
      Result<int64_t> field_bytes = AddTyped(*name, *type, shape, "", *offset);
      if (!field_bytes.ok()) return field_bytes;
      if (*field_bytes > *size_bytes - *offset) {
        return Corrupt(field_, "field '" + Excerpt(*name) + "' beyond the record",
                       "fields within " + std::to_string(*size_bytes) + " bytes");
      }
    }
    return *size_bytes;
  }

 private:
  template <typename T>
  static const T* Entry(const PyDict& dict, const char* key) {
    for (const auto& [name, value] : dict.items) {
      if (name == key) return value.template As<T>();
    }
    return nullptr;
  }

  Result<int64_t> AddItem(const PyValue& item, const std::string& prefix, int64_t offset_bytes) {
    const auto* tuple = item.As<PyTuple>();
    if (tuple == nullptr || tuple->items.size() < 2 || tuple->items.size() > 3) {
      return Corrupt(field_, Excerpt(item.text), "a field as (name, type) or (name, type, shape)");
    }
    const PyValue* name_value = &tuple->items[0];
    if (const auto* titled = name_value->As<PyTuple>(); titled && titled->items.size() == 2) {
      name_value = &titled->items[1];  // (title, name)
    }
    const auto* name = name_value->As<std::string>();
    if (name == nullptr) return Corrupt(field_, Excerpt(item.text), "a field name");

    return AddTyped(*name, tuple->items[1], tuple->items.size() == 3 ? &tuple->items[2] : nullptr,
                    prefix, offset_bytes);
  }

  // A field of `type`, or where `shape` is given an array of them; returns its size.
  Result<int64_t> AddTyped(const std::string& name, const PyValue& type, const PyValue* shape,
                           const std::string& prefix, int64_t offset_bytes) {
    int64_t count = 1;
    if (shape != nullptr) {
      Result<int64_t> product = SubarrayCount(*shape);
      if (!product.ok()) return product;
      count = *product;
    }
    int64_t size_bytes = 0;
    for (int64_t i = 0; i < count; ++i) {
      const std::string index = shape != nullptr ? "[" + std::to_string(i) + "]" : "";
      Result<int64_t> one = AddType(type, prefix, name + index, offset_bytes + size_bytes);
      if (!one.ok()) return one;
      size_bytes += *one;
      if (size_bytes > INT32_MAX) return TooMuch(field_, "2 GiB or more", "smaller records");
    }
    return size_bytes;
  }

  // The product of a field's own shape: an int or a tuple of ints.
  Result<int64_t> SubarrayCount(const PyValue& shape) const {
    int64_t product = 1;
    const auto* tuple = shape.As<PyTuple>();
    const PyValue* const axes = tuple != nullptr ? tuple->items.data() : &shape;
    const size_t rank = tuple != nullptr ? tuple->items.size() : 1;
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

  Result<int64_t> AddType(const PyValue& type, const std::string& prefix, const std::string& name,
                          int64_t offset_bytes) {
    work_bytes_ += kVisitBytes + prefix.size() + name.size();
    if (work_bytes_ > kMaxWorkBytes) {
      return TooMuch(field_, "more fields and longer names", "at most 16 MiB of them");
    }
    if (const auto* nested = type.As<PyList>()) {
      return AddRecord(*nested, prefix + name + ".", offset_bytes);
    }
    const auto* text = type.As<std::string>();
    if (text == nullptr) return Corrupt(field_, Excerpt(type.text), "a type string");
    if (name.empty() || (names_gaps_ && IsNumbered(name) && IsVoid(*text))) return Padding(*text);
    Result<DType> dtype = ParseTypeString(*text);
    if (!dtype.ok()) return dtype.status().At("field '" + prefix + name + "'");
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

  static bool IsVoid(const std::string& type) {
    return type.substr(type.substr(0, 1) == "|" ? 1 : 0, 1) == "V";
  }

  // numpy writes the gaps of an aligned record as ('', '|V4').
  Result<int64_t> Padding(const std::string& type) const {
    const size_t kind = type.substr(0, 1) == "|" ? 1 : 0;
    if (type.substr(kind, 1) != "V") {
      return Corrupt(field_, "a field without a name", "a name, or padding '|V<n>'");
    }
    int64_t size_bytes = 0;
    for (const char c : type.substr(kind + 1)) {
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
  const bool names_gaps_;
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
  if (const auto* text = descr.As<std::string>()) {
    Result<DType> dtype = ParseTypeString(*text);
    if (!dtype.ok()) return dtype.status();
    type = PlainElement(*dtype);
    type.text = *text;
    return type;
  }
  const auto* list = descr.As<PyList>();
  const auto* dict = is_printed ? descr.As<PyDict>() : nullptr;
  if (list == nullptr && dict == nullptr) {
    return Corrupt(field, Excerpt(descr.text), "a type string or a list of fields");
  }
  RecordParser parser(type.fields, field, is_printed);
  Result<int64_t> size_bytes =
      dict != nullptr ? parser.AddDict(*dict) : parser.AddRecord(*list, "", 0);
  if (!size_bytes.ok()) return size_bytes.status();
  if (type.fields.empty()) return Corrupt(field, "only padding", "a numeric field");
  type.is_record = true;
  type.literal = descr.text;
  type.element_bytes = *size_bytes;
  return type;
}

}  // namespace ndarray
