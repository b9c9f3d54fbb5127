#include "driver/raster/multidim/md_attribute.h"

#include <algorithm>
#include <climits>
#include <nlohmann/json.hpp>
#include <utility>

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

}  // namespace

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
