// The attributes of an array together with those that it has from the groups around it.
#ifndef GDAL_NDARRAY_RASTER_METADATA_JOINED_ATTRIBUTES_H_
#define GDAL_NDARRAY_RASTER_METADATA_JOINED_ATTRIBUTES_H_

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "driver/store/attributes.h"

namespace ndarray {

// Several lists of attributes as one: the first that has a name counts.
class JoinedAttributes final : public Attributes {
 public:
  explicit JoinedAttributes(std::vector<std::shared_ptr<const Attributes>> lists)
      : lists_(std::move(lists)) {}

  std::vector<AttributeInfo> List() const override {
    std::vector<AttributeInfo> all;
    for (const auto& list : lists_) {
      for (AttributeInfo& info : list->List()) {
        if (!HasName(all, info.name)) all.push_back(std::move(info));
      }
    }
    return all;
  }

  Result<std::string> Read(const std::string& name, int64_t max_bytes) const override {
    for (const auto& list : lists_) {
      if (HasName(list->List(), name)) return list->Read(name, max_bytes);
    }
    return Status(StatusCode::kNotFound, "not there");
  }

 private:
  static bool HasName(const std::vector<AttributeInfo>& list, const std::string& name) {
    return std::any_of(list.begin(), list.end(),
                       [&](const AttributeInfo& info) { return info.name == name; });
  }

  const std::vector<std::shared_ptr<const Attributes>> lists_;
};

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_METADATA_JOINED_ATTRIBUTES_H_
