#include "driver/raster/multidim/coordinates.h"

#include <algorithm>
#include <cmath>

namespace ndarray {
namespace {

using nlohmann::json;

constexpr double kMaxExact = 9007199254740992;  // 2^53: doubles have all integers up to it

bool IsLarge(const json& value) {
  return value.is_number_unsigned() && value.get<uint64_t>() > INT64_MAX;
}

template <typename Predicate>
bool AreAll(const json& list, const Predicate& is_one) {
  return std::all_of(list.begin(), list.end(), is_one);
}

}  // namespace

void SetValue(NamedValues& values, const std::string& name, json value) {
  for (auto& [other, kept] : values) {
    if (other == name) return void(kept = std::move(value));
  }
  values.emplace_back(name, std::move(value));
}

bool RemoveValue(NamedValues& values, const std::string& name) {
  const auto is_it = [&](const auto& one) { return one.first == name; };
  const auto rest = std::remove_if(values.begin(), values.end(), is_it);
  const bool was_there = rest != values.end();
  values.erase(rest, values.end());
  return was_there;
}

NamedValues MembersOf(const json& object) {
  NamedValues members;
  if (!object.is_object()) return members;
  for (const auto& [name, value] : object.items()) members.emplace_back(name, value);
  return members;
}

size_t Coordinates::count() const {
  return std::visit([](const auto& list) { return list.size(); }, values);
}

GDALDataType Coordinates::type() const {
  constexpr GDALDataType kTypes[] = {GDT_Float64, GDT_Int64, GDT_UInt64};
  return kTypes[values.index()];
}

const void* Coordinates::value(size_t i) const {
  return std::visit([i](const auto& list) -> const void* { return &list[i]; }, values);
}

Coordinates ZeroCoordinates(GDALDataType type, size_t count) {
  Coordinates zeros;
  if (type == GDT_UInt64) {
    zeros.values = std::vector<uint64_t>(count);
  } else if (GDALDataTypeIsInteger(type) != 0) {
    zeros.values = std::vector<int64_t>(count);
  } else {
    zeros.values = std::vector<double>(count);
  }
  return zeros;
}

std::optional<Coordinates> ParseCoordinates(const json& value) {
  Coordinates coordinates;
  const bool is_dict = value.is_object();
  const json list = is_dict ? value.value("data", json::array()) : value;
  if (is_dict && !value.contains("data") && !value.contains("attrs")) return std::nullopt;
  if (!list.is_array() || !AreAll(list, [](const json& one) { return one.is_number(); })) {
    return std::nullopt;
  }
  const bool are_integers = AreAll(list, [](const json& one) { return one.is_number_integer(); });
  const bool has_large = std::any_of(list.begin(), list.end(), IsLarge);
  const bool has_negative = std::any_of(list.begin(), list.end(), [](const json& one) {
    return one.is_number_integer() && !one.is_number_unsigned() && one.get<int64_t>() < 0;
  });
  if (are_integers && !has_large && !list.empty()) {
    coordinates.values = list.get<std::vector<int64_t>>();
  } else if (are_integers && !has_negative && !list.empty()) {
    coordinates.values = list.get<std::vector<uint64_t>>();
  } else {
    coordinates.values = list.get<std::vector<double>>();
  }
  if (is_dict) coordinates.attributes = MembersOf(value.value("attrs", json()));
  return coordinates;
}

json ToJson(const Coordinates& coordinates) {
  json attributes = json::object();
  for (const auto& [key, value] : coordinates.attributes) attributes[key] = value;
  json entry = {{"attrs", attributes}};
  if (coordinates.count() == 0) return entry;
  entry["data"] = std::visit([](const auto& list) { return json(list); }, coordinates.values);
  return entry;
}

std::optional<std::pair<double, double>> Regular(const Coordinates& coordinates) {
  const std::vector<double> values =
      std::visit([](const auto& list) { return std::vector<double>(list.begin(), list.end()); },
                 coordinates.values);
  if (values.size() < 2) return std::nullopt;
  const bool is_exact = coordinates.type() == GDT_Float64 ||
                        std::all_of(values.begin(), values.end(),
                                    [](double value) { return std::abs(value) <= kMaxExact; });
  const double step = (values.back() - values.front()) / static_cast<double>(values.size() - 1);
  if (!is_exact || !std::isfinite(step) || step == 0) return std::nullopt;
  for (size_t i = 0; i < values.size(); ++i) {
    const double wanted = values.front() + static_cast<double>(i) * step;
    if (!(std::abs(values[i] - wanted) <= 1e-6 * std::abs(step))) return std::nullopt;
  }
  return std::make_pair(values.front(), step);
}

}  // namespace ndarray
