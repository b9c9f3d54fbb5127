#include "driver/raster/multidim/md_group.h"

#include <algorithm>
#include <utility>

#include "driver/raster/gdal_error.h"
#include "driver/raster/multidim/md_attribute.h"

namespace ndarray {
namespace {

bool Has(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

class Group final : public GDALGroup {
 public:
  Group(const std::string& parent, const std::string& name, GroupContents contents)
      : GDALGroup(parent, name), contents_(std::move(contents)) {}

#if NDARRAY_HAS_GROUP_SELF
  void KnowSelf(const std::shared_ptr<GDALGroup>& self) { SetSelf(self); }
#endif

  std::vector<std::string> GetMDArrayNames(CSLConstList) const override {
    std::vector<std::string> names = contents_.arrays;
    for (const auto& dimension : contents_.dimensions) {
      const std::string& name = dimension->GetName();
      if (!Has(contents_.arrays, name) && dimension->GetIndexingVariable() != nullptr) {
        names.push_back(name);
      }
    }
    return names;
  }

  std::shared_ptr<GDALMDArray> OpenMDArray(const std::string& name, CSLConstList) const override {
    return Guarded<std::shared_ptr<GDALMDArray>>(nullptr, [&]() -> std::shared_ptr<GDALMDArray> {
      if (Has(contents_.arrays, name)) return contents_.open_array(name);
      for (const auto& dimension : contents_.dimensions) {
        if (dimension->GetName() == name) return dimension->GetIndexingVariable();
      }
      return nullptr;
    });
  }

  std::vector<std::string> GetGroupNames(CSLConstList) const override { return contents_.groups; }

  std::shared_ptr<GDALGroup> OpenGroup(const std::string& name, CSLConstList) const override {
    return Guarded<std::shared_ptr<GDALGroup>>(nullptr, [&]() -> std::shared_ptr<GDALGroup> {
      return Has(contents_.groups, name) ? contents_.open_group(name) : nullptr;
    });
  }

  std::vector<std::shared_ptr<GDALDimension>> GetDimensions(CSLConstList) const override {
    return contents_.dimensions;
  }

  std::shared_ptr<GDALAttribute> GetAttribute(const std::string& name) const override {
    return GetAttributeFromAttributes(name);
  }
  std::vector<std::shared_ptr<GDALAttribute>> GetAttributes(CSLConstList) const override {
    // As GDAL's own drivers name what has a group's attributes.
    const std::string parent = GetFullName() == "/" ? "" : GetFullName();
    return MakeAttributes(parent + "/_GLOBAL_", contents_.attributes, {});
  }

 private:
  const GroupContents contents_;
};

}  // namespace

std::shared_ptr<GDALGroup> MakeGroup(const std::string& parent, const std::string& name,
                                     GroupContents contents) {
  auto group = std::make_shared<Group>(parent, name, std::move(contents));
#if NDARRAY_HAS_GROUP_SELF
  group->KnowSelf(group);
#endif
  return group;
}

}  // namespace ndarray
