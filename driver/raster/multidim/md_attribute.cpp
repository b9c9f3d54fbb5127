#include "driver/raster/multidim/md_attribute.h"

#include <cpl_conv.h>

#include <algorithm>
#include <climits>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <utility>

#include "driver/raster/gdal_error.h"
#include "driver/store/json_text.h"

namespace ndarray {
namespace {

using nlohmann::json;

// Values of one kind, and GDAL's type for them.
struct Values {
  GDALExtendedDataType type = GDALExtendedDataType::CreateString();
  std::vector<json> list;
  bool is_list = false;
};

bool FitsInt64(const json& one) {
  return one.is_number_integer() && !(one.is_number_unsigned() && one.get<uint64_t>() > INT64_MAX);
}

bool FitsInt32(const json& one) {
  return FitsInt64(one) && one.get<int64_t>() >= INT_MIN && one.get<int64_t>() <= INT_MAX;
}

Values ValuesOf(const json& value) {
  Values values;
  values.is_list = value.is_array() && !value.empty();
  values.list = values.is_list ? value.get<std::vector<json>>() : std::vector<json>{value};
  const auto are_all = [&](const auto& is_one) {
    return std::all_of(values.list.begin(), values.list.end(), is_one);
  };
  if (are_all([](const json& one) { return one.is_string(); })) return values;
  if (are_all(FitsInt32)) {
    values.type = GDALExtendedDataType::Create(GDT_Int32);
  } else if (are_all(FitsInt64)) {
    values.type = GDALExtendedDataType::Create(GDT_Int64);
  } else if (are_all([](const json& one) { return one.is_number_unsigned(); })) {
    values.type = GDALExtendedDataType::Create(GDT_UInt64);
  } else if (are_all([](const json& one) { return one.is_number(); })) {
    values.type = GDALExtendedDataType::Create(GDT_Float64);
  } else {
    values.is_list = false;
    values.list = {JsonText(value)};
    values.type = GDALExtendedDataType::CreateString(0, GEDTST_JSON);
  }
  return values;
}

class Attribute final : public GDALAttribute {
 public:
  Attribute(const std::string& parent, const std::string& name, Values values, KeepAttribute keep)
      : GDALAbstractMDArray(parent, name),
        GDALAttribute(parent, name),
        values_(std::move(values)),
        keep_(std::move(keep)) {
    if (!values_.is_list) return;
    dimensions_.push_back(
        std::make_shared<GDALDimension>("", "dim0", "", "", GUInt64{values_.list.size()}));
  }

  const std::vector<std::shared_ptr<GDALDimension>>& GetDimensions() const override {
    return dimensions_;
  }
  const GDALExtendedDataType& GetDataType() const override { return values_.type; }

  bool Keep() const {
    return Guarded(false, [this] { return Report(keep_(GetName(), Value())) == CE_None; });
  }

 protected:
  bool IRead(const GUInt64* start, const size_t* count, const GInt64* step,
             const GPtrDiff_t* stride, const GDALExtendedDataType& buffer_type,
             void* buffer) const override {
    return ForWindow(
        values_.list, start, count, step, stride, [&](const json& value, GPtrDiff_t place) {
          CopyTo(
              value, buffer_type,
              static_cast<GByte*>(buffer) + place * static_cast<GPtrDiff_t>(buffer_type.GetSize()));
        });
  }

  bool IWrite(const GUInt64* start, const size_t* count, const GInt64* step,
              const GPtrDiff_t* stride, const GDALExtendedDataType& buffer_type,
              const void* buffer) override {
    if (!keep_) {
      return Report(Mismatch(StatusCode::kNotSupported, "attribute " + GetName() + ": access",
                             "read-only", "update")) == CE_None;
    }
    const auto size = static_cast<GPtrDiff_t>(buffer_type.GetSize());
    const std::vector<json> before = values_.list;
    const bool is_whole =
        ForWindow(values_.list, start, count, step, stride, [&](json& value, GPtrDiff_t place) {
          value = ValueAt(static_cast<const GByte*>(buffer) + place * size, buffer_type);
        });
    if (is_whole && Keep()) return true;
    values_.list = before;
    return false;
  }

 private:
  // Calls visit(value, its place in the buffer, in elements) until one is outside. All attributes
  // have at most one dimension.
  template <typename List, typename Visit>
  bool ForWindow(List& list, const GUInt64* start, const size_t* count, const GInt64* step,
                 const GPtrDiff_t* stride, const Visit& visit) const {
    if (dimensions_.empty()) return visit(list[0], 0), true;
    for (size_t i = 0; i < count[0]; ++i) {
      const auto k = static_cast<GInt64>(i);
      const auto at = static_cast<size_t>(static_cast<GInt64>(start[0]) + k * step[0]);
      if (at >= list.size()) return false;
      visit(list[at], k * stride[0]);
    }
    return true;
  }

  static void CopyTo(const json& value, const GDALExtendedDataType& type, void* to) {
    const auto copy = [&](const auto& number, GDALDataType from) {
      GDALExtendedDataType::CopyValue(&number, GDALExtendedDataType::Create(from), to, type);
    };
    if (value.is_string()) {
      const char* const text = value.get_ref<const std::string&>().c_str();
      GDALExtendedDataType::CopyValue(&text, GDALExtendedDataType::CreateString(), to, type);
    } else if (FitsInt64(value)) {
      copy(value.get<int64_t>(), GDT_Int64);
    } else if (value.is_number_unsigned()) {
      copy(value.get<uint64_t>(), GDT_UInt64);
    } else {
      copy(value.get<double>(), GDT_Float64);
    }
  }

  json Value() const {
    if (!dimensions_.empty()) return values_.list;
    if (values_.type.GetSubType() != GEDTST_JSON) return values_.list[0];
    json parsed = ParseJsonText(values_.list[0].get_ref<const std::string&>());
    return parsed.is_discarded() ? values_.list[0] : parsed;
  }

  json ValueAt(const void* from, const GDALExtendedDataType& from_type) const {
    const auto as = [&](auto value, GDALDataType type) {
      GDALExtendedDataType::CopyValue(from, from_type, &value, GDALExtendedDataType::Create(type));
      return json(value);
    };
    if (values_.type.GetClass() == GEDTC_STRING) {
      char* text = nullptr;
      GDALExtendedDataType::CopyValue(from, from_type, &text, GDALExtendedDataType::CreateString());
      json value(text != nullptr ? text : "");
      CPLFree(text);
      return value;
    }
    const GDALDataType type = values_.type.GetNumericDataType();
    if (type == GDT_UInt64) return as(uint64_t{0}, GDT_UInt64);
    if (GDALDataTypeIsInteger(type) != 0) return as(int64_t{0}, GDT_Int64);
    return as(double{0}, GDT_Float64);
  }

  Values values_;
  const KeepAttribute keep_;  // none: it is only read
  std::vector<std::shared_ptr<GDALDimension>> dimensions_;
};

constexpr GUInt64 kMaxAttributeValues = 65536;

}  // namespace

std::vector<std::shared_ptr<GDALAttribute>> MakeAttributes(const std::string& parent,
                                                           const NamedValues& values,
                                                           const KeepAttribute& keep) {
  std::vector<std::shared_ptr<GDALAttribute>> attributes;
  for (const auto& [name, value] : values) {
    attributes.push_back(std::make_shared<Attribute>(parent, name, ValuesOf(value), keep));
  }
  return attributes;
}

bool IsTaken(const NamedValues& values, const std::string& name) {
  const bool is_taken = std::any_of(values.begin(), values.end(),
                                    [&](const auto& value) { return value.first == name; });
  if (!is_taken) return false;
  Report(Mismatch(StatusCode::kInvalidArgument, "attribute", name + ", which is there",
                  "another name (Write changes those that are there)"));
  return true;
}

bool NoAttribute(const std::string& name) {
  return Report(Mismatch(StatusCode::kInvalidArgument, "attribute", name, "one that is there")) ==
         CE_None;
}

std::shared_ptr<GDALAttribute> NewAttribute(const std::string& parent, const std::string& name,
                                            const std::vector<GUInt64>& dimensions,
                                            const GDALExtendedDataType& type, KeepAttribute keep) {
  const GUInt64 count = dimensions.empty() ? 1 : dimensions[0];
  const bool is_text = type.GetClass() == GEDTC_STRING;
  const bool is_plain = is_text || (type.GetClass() == GEDTC_NUMERIC &&
                                    GDALDataTypeIsComplex(type.GetNumericDataType()) == 0);
  if (name.empty() || dimensions.size() > 1 || count < 1 || count > kMaxAttributeValues ||
      !is_plain) {
    Report(Mismatch(StatusCode::kNotSupported, "attribute " + name,
                    std::to_string(dimensions.size()) + " dimensions, of " + std::to_string(count),
                    "at most one dimension, of 1 to 65536 texts or real numbers"));
    return nullptr;
  }
  const bool is_integer = !is_text && GDALDataTypeIsInteger(type.GetNumericDataType()) != 0;
  const json zero = is_text ? json("") : is_integer ? json(0) : json(0.0);
  Values values{type, std::vector<json>(static_cast<size_t>(count), zero), !dimensions.empty()};
  auto attribute = std::make_shared<Attribute>(parent, name, std::move(values), std::move(keep));
  return attribute->Keep() ? attribute : nullptr;
}

}  // namespace ndarray
