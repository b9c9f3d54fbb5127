#include "driver/raster/formats/archive_groups.h"

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "driver/raster/gdal_error.h"
#include "driver/raster/metadata/stored_metadata.h"
#include "driver/raster/multidim/md_array.h"
#include "driver/raster/multidim/md_group.h"

namespace ndarray {
namespace {

// GDAL's programs call themselves for groups in groups: the stack must not follow a file.
bool IsTooDeep(const std::string& path) {
  constexpr int kMaxDepth = 64;
  return std::count(path.begin(), path.end(), '/') > kMaxDepth;
}

struct Source {
  std::shared_ptr<const ArrayArchive> archive;
  int max_threads;
};

// A group: its full name in the API, and what the names of all in it begin with.
struct Place {
  std::string group;  // "/", "/a"
  std::string start;  // "", "a/", or with a slash before it, as the archive writes names
};

std::shared_ptr<GDALMDArray> OpenArrayOf(const Source& source, const Place& place,
                                         const std::string& name) {
  Result<std::shared_ptr<Array>> array =
      source.archive->Open(place.start + name, source.max_threads);
  if (!array.ok()) return Report(array.status()), nullptr;
  GDALOpenInfo open_info((*array)->path().c_str(), GDAL_OF_MULTIDIM_RASTER);
  ArrayFacts facts = ReadArrayFacts(open_info, **array);
  auto open = std::make_shared<OpenArray>(std::move(*array), std::move(facts));
  return MdArray::Create(place.group, name, std::move(open));
}

NamedValues AttributesOf(const Source& source, const Place& place) {
  NamedValues values;
  const auto attributes = source.archive->GroupAttributes(place.group == "/" ? "" : place.group);
  for (const ShownAttribute& shown : ReadStoredMetadata(attributes.get(), {}).shown) {
    values.emplace_back(shown.key, shown.text);
  }
  return values;
}

std::shared_ptr<GDALGroup> GroupAt(const Source& source, const Place& place,
                                   const std::string& parent, const std::string& name) {
  GroupContents contents;
  std::set<std::string_view> groups;
  for (const std::string& path : source.archive->names()) {
    if (IsTooDeep(path)) continue;
    std::string_view rest(path);
    if (rest.substr(0, place.start.size()) != place.start) continue;
    rest.remove_prefix(place.start.size());
    const size_t slash = rest.find('/');
    if (slash == 0 || rest.empty()) continue;  // no name that the API could have
    const std::string_view first = rest.substr(0, slash);
    if (slash == std::string_view::npos) {
      contents.arrays.emplace_back(first);
    } else if (groups.insert(first).second) {
      contents.groups.emplace_back(first);
    }
  }
  contents.open_array = [source, place](const std::string& array) {
    return OpenArrayOf(source, place, array);
  };
  contents.open_group = [source, place](const std::string& child) {
    const std::string full = (place.group == "/" ? "" : place.group) + "/" + child;
    return GroupAt(source, {full, place.start + child + "/"}, place.group, child);
  };
  contents.attributes = AttributesOf(source, place);
  return MakeGroup(parent, name, std::move(contents));
}

}  // namespace

std::shared_ptr<GDALGroup> MakeArchiveGroups(const std::string& path,
                                             std::shared_ptr<const ArrayArchive> archive,
                                             int max_threads) {
  const std::vector<std::string>& names = archive->names();
  const auto deep = std::count_if(names.begin(), names.end(), IsTooDeep);
  if (deep > 0) {
    ReportWarning(path + ": not listed: " + std::to_string(deep) +
                  " arrays in more than 64 groups in each other; they open by their names");
  }
  // Those of a .b2z begin with a slash.
  const bool absolute = std::all_of(names.begin(), names.end(),
                                    [](const std::string& name) { return name[0] == '/'; });
  return GroupAt({std::move(archive), max_threads}, {"/", absolute ? "/" : ""}, "", "/");
}

}  // namespace ndarray
