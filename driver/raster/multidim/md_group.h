// Groups of the multidimensional API over what a file holds: names, and how each is opened. A file
// of one array has one group; archives have arrays and groups in groups.
#ifndef GDAL_NDARRAY_RASTER_MULTIDIM_MD_GROUP_H_
#define GDAL_NDARRAY_RASTER_MULTIDIM_MD_GROUP_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "driver/raster/gdal_compat.h"
#include "driver/raster/multidim/array_facts.h"

namespace ndarray {

// Openers raise GDAL errors and return nullptr; they are called with names of the list only.
struct GroupContents {
  std::vector<std::string> arrays;
  std::function<std::shared_ptr<GDALMDArray>(const std::string& name)> open_array;
  std::vector<std::string> groups;
  std::function<std::shared_ptr<GDALGroup>(const std::string& name)> open_group;
  std::vector<std::shared_ptr<GDALDimension>> dimensions;  // that its arrays share
  NamedValues attributes;
};

// `parent`: the full name of the group that it is in; empty, with the name "/", for the root.
// Indexing variables of the dimensions are arrays of the group, too, unless one has that name.
std::shared_ptr<GDALGroup> MakeGroup(const std::string& parent, const std::string& name,
                                     GroupContents contents);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_MULTIDIM_MD_GROUP_H_
