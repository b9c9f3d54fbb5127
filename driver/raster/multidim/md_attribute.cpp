#include "driver/raster/multidim/md_attribute.h"

#include <cpl_conv.h>

#include <algorithm>
#include <climits>
#include <nlohmann/json.hpp>
#include <utility>

#include "driver/raster/gdal_error.h"

namespace ndarray {
namespace {

using nlohmann::json;

// Values of one kind, as GDAL's types have them.
struct Values {
  GDALExtendedDataType type = GDALExtendedDataType::CreateString();
  std::vector<std::string> texts;
  std::vector<int64_t> integers;
  std::vector<uint64_t> large_integers;
  std::vector<double> floats;
  bool is_list = false;

  size_t count() const {
    return texts.size() + integers.size() + large_integers.size() + floats.size();
  }
};

template <typename Predicate>
bool AreAll(const json& list, const Predicate& is_one) {
  return std::all_of(list.begin(), list.end(), is_one);
}

Values ValuesOf(const json& value) {
  Values values;
  values.is_list = value.is_array() && !value.empty();
  const json list = values.is_list ? value : json::array({value});
  if (AreAll(list, [](const json& one) { return one.is_string(); })) {
    values.texts = list.get<std::vector<std::string>>();
    return values;
  }
  const auto fits = [](const json& one) {
    return one.is_number_integer() &&
           !(one.is_number_unsigned() && one.get<uint64_t>() > INT64_MAX);
  };
  if (AreAll(list, fits)) {
    values.integers = list.get<std::vector<int64_t>>();
    const bool is_short =
        std::all_of(values.integers.begin(), values.integers.end(),
                    [](int64_t number) { return number >= INT_MIN && number <= INT_MAX; });
    values.type = GDALExtendedDataType::Create(is_short ? GDT_Int32 : GDT_Int64);
    return values;
  }
  if (AreAll(list, [](const json& one) { return one.is_number_unsigned(); })) {
    values.large_integers = list.get<std::vector<uint64_t>>();
    values.type = GDALExtendedDataType::Create(GDT_UInt64);
    return values;
  }
  if (AreAll(list, [](const json& one) { return one.is_number(); })) {
    values.floats = list.get<std::vector<double>>();
    values.type = GDALExtendedDataType::Create(GDT_Float64);
    return values;
  }
  values.is_list = false;
  values.texts = {value.dump(-1, ' ', false, json::error_handler_t::replace)};
  values.type = GDALExtendedDataType::CreateString(0, GEDTST_JSON);
  return values;
}

class KnownAttribute final : public GDALAttribute {
 public:
  KnownAttribute(const std::string& parent, const std::string& name, Values values)
      : GDALAbstractMDArray(parent, name), GDALAttribute(parent, name), values_(std::move(values)) {
    if (!values_.is_list) return;
    dimensions_.push_back(
        std::make_shared<GDALDimension>("", "dim0", "", "", GUInt64{values_.count()}));
  }

  const std::vector<std::shared_ptr<GDALDimension>>& GetDimensions() const override {
    return dimensions_;
  }
  const GDALExtendedDataType& GetDataType() const override { return values_.type; }

 protected:
  bool IRead(const GUInt64* start, const size_t* count, const GInt64* step,
             const GPtrDiff_t* stride, const GDALExtendedDataType& buffer_type,
             void* buffer) const override {
    const size_t n = dimensions_.empty() ? 1 : count[0];
    auto* to = static_cast<GByte*>(buffer);
    for (size_t i = 0; i < n; ++i) {
      const size_t at = dimensions_.empty() ? 0
                                            : static_cast<size_t>(static_cast<GInt64>(start[0]) +
                                                                  static_cast<GInt64>(i) * step[0]);
      if (at >= values_.count()) return false;
      CopyOne(at, buffer_type, to);
      if (i + 1 < n) to += stride[0] * static_cast<GPtrDiff_t>(buffer_type.GetSize());
    }
    return true;
  }

 private:
  void CopyOne(size_t at, const GDALExtendedDataType& type, void* to) const {
    const auto copy = [&](const void* from, const GDALExtendedDataType& from_type) {
      GDALExtendedDataType::CopyValue(from, from_type, to, type);
    };
    if (!values_.texts.empty()) {
      const char* const text = values_.texts[at].c_str();
      copy(&text, values_.type);
    } else if (!values_.integers.empty()) {
      copy(&values_.integers[at], GDALExtendedDataType::Create(GDT_Int64));
    } else if (!values_.large_integers.empty()) {
      copy(&values_.large_integers[at], values_.type);
    } else {
      copy(&values_.floats[at], values_.type);
    }
  }

  const Values values_;
  std::vector<std::shared_ptr<GDALDimension>> dimensions_;
};

// Values as they are written, of the type and number that the attribute was made with.
class WrittenAttribute final : public GDALAttribute {
 public:
  WrittenAttribute(const std::string& parent, const std::string& name, size_t count, bool is_list,
                   const GDALExtendedDataType& type, std::function<Status(json)> keep)
      : GDALAbstractMDArray(parent, name),
        GDALAttribute(parent, name),
        type_(type),
        values_(count, IsText() ? json("") : json(0)),
        keep_(std::move(keep)) {
    if (is_list) dimensions_.push_back(std::make_shared<GDALDimension>("", "dim0", "", "", count));
  }

  const std::vector<std::shared_ptr<GDALDimension>>& GetDimensions() const override {
    return dimensions_;
  }
  const GDALExtendedDataType& GetDataType() const override { return type_; }

  // So that it is there at once, of zeros or empty texts.
  bool Keep() const { return Report(keep_(Value())) == CE_None; }

 protected:
  bool IRead(const GUInt64* start, const size_t* count, const GInt64* step,
             const GPtrDiff_t* stride, const GDALExtendedDataType& buffer_type,
             void* buffer) const override {
    const auto shown = MakeAttribute("", GetName(), Value());
    // All attributes have at most one dimension, and the same number of elements.
    return shown->Read(start, count, step, stride, buffer_type, buffer);
  }

  bool IWrite(const GUInt64* start, const size_t* count, const GInt64* step,
              const GPtrDiff_t* stride, const GDALExtendedDataType& buffer_type,
              const void* buffer) override {
    const size_t n = dimensions_.empty() ? 1 : count[0];
    for (size_t i = 0; i < n; ++i) {
      const auto k = static_cast<GInt64>(i);
      const size_t at = dimensions_.empty()
                            ? 0
                            : static_cast<size_t>(static_cast<GInt64>(start[0]) + k * step[0]);
      const GPtrDiff_t to = dimensions_.empty() ? 0 : k * stride[0];
      if (at >= values_.size()) return false;
      values_[at] = ValueAt(
          static_cast<const GByte*>(buffer) + to * static_cast<GPtrDiff_t>(buffer_type.GetSize()),
          buffer_type);
    }
    return Keep();
  }

 private:
  bool IsText() const { return type_.GetClass() == GEDTC_STRING; }

  json Value() const {
    if (!dimensions_.empty()) return values_;
    if (type_.GetSubType() != GEDTST_JSON) return values_[0];
    json parsed = json::parse(values_[0].get<std::string>(), nullptr, false);
    return parsed.is_discarded() ? values_[0] : parsed;
  }

  json ValueAt(const void* from, const GDALExtendedDataType& from_type) const {
    const auto as = [&](auto value, GDALDataType type) {
      GDALExtendedDataType::CopyValue(from, from_type, &value, GDALExtendedDataType::Create(type));
      return json(value);
    };
    if (IsText()) {
      char* text = nullptr;
      GDALExtendedDataType::CopyValue(from, from_type, &text, GDALExtendedDataType::CreateString());
      json value(text != nullptr ? text : "");
      CPLFree(text);
      return value;
    }
    const GDALDataType type = type_.GetNumericDataType();
    if (type == GDT_UInt64) return as(uint64_t{0}, GDT_UInt64);
    if (GDALDataTypeIsInteger(type) != 0) return as(int64_t{0}, GDT_Int64);
    return as(double{0}, GDT_Float64);
  }

  const GDALExtendedDataType type_;
  std::vector<json> values_;
  const std::function<Status(json)> keep_;
  std::vector<std::shared_ptr<GDALDimension>> dimensions_;
};

constexpr GUInt64 kMaxAttributeValues = 65536;

}  // namespace

std::shared_ptr<GDALAttribute> NewAttribute(const std::string& parent, const std::string& name,
                                            const std::vector<GUInt64>& dimensions,
                                            const GDALExtendedDataType& type,
                                            std::function<Status(json)> keep) {
  const GUInt64 count = dimensions.empty() ? 1 : dimensions[0];
  const bool is_plain =
      type.GetClass() == GEDTC_STRING ||
      (type.GetClass() == GEDTC_NUMERIC && GDALDataTypeIsComplex(type.GetNumericDataType()) == 0);
  if (name.empty() || dimensions.size() > 1 || count < 1 || count > kMaxAttributeValues ||
      !is_plain) {
    Report(Mismatch(StatusCode::kNotSupported, "attribute " + name,
                    std::to_string(dimensions.size()) + " dimensions, of " + std::to_string(count),
                    "at most one dimension, of 1 to 65536 texts or real numbers"));
    return nullptr;
  }
  auto attribute = std::make_shared<WrittenAttribute>(parent, name, static_cast<size_t>(count),
                                                      !dimensions.empty(), type, std::move(keep));
  return attribute->Keep() ? attribute : nullptr;
}

void SetValue(NamedValues& values, const std::string& name, json value) {
  for (auto& [other, kept] : values) {
    if (other == name) return void(kept = std::move(value));
  }
  values.emplace_back(name, std::move(value));
}

std::shared_ptr<GDALAttribute> MakeAttribute(const std::string& parent, const std::string& name,
                                             const json& value) {
  return std::make_shared<KnownAttribute>(parent, name, ValuesOf(value));
}

std::vector<std::shared_ptr<GDALAttribute>> MakeAttributes(const std::string& parent,
                                                           const NamedValues& values) {
  std::vector<std::shared_ptr<GDALAttribute>> attributes;
  for (const auto& [name, value] : values) attributes.push_back(MakeAttribute(parent, name, value));
  return attributes;
}

}  // namespace ndarray
