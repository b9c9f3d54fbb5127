#include "driver/raster/files/subdataset_list.h"

#include <cpl_string.h>

#include <string>

#include "driver/raster/axes.h"
#include "driver/raster/files/dataset_name.h"
#include "driver/raster/image_structure.h"
#include "driver/store/box.h"

namespace ndarray {
namespace {

class SubdatasetList final : public GDALDataset {
 public:
  SubdatasetList() {
    nRasterXSize = 0;
    nRasterYSize = 0;
  }
};

}  // namespace

std::string DescribeElements(const ArrayInfo& info, const AxisVector& shape) {
  const std::string dtype = info.is_record ? std::to_string(info.fields.size()) + " fields"
                                           : TypeString(info.fields[0].dtype);
  return ShapeString(shape) + " " + dtype;
}

std::unique_ptr<GDALDataset> ListParts(const std::vector<ListedPart>& parts) {
  CPLStringList list;
  for (size_t i = 0; i < parts.size(); ++i) {
    const std::string prefix = "SUBDATASET_" + std::to_string(i + 1);
    list.SetNameValue((prefix + "_NAME").c_str(), parts[i].name.c_str());
    list.SetNameValue((prefix + "_DESC").c_str(), parts[i].description.c_str());
  }
  auto dataset = std::make_unique<SubdatasetList>();
  dataset->GDALDataset::SetMetadata(list.List(), "SUBDATASETS");
  return dataset;
}

std::unique_ptr<GDALDataset> ListSubdatasets(const Array& array, std::string_view driver,
                                             const DatasetName& name) {
  const ArrayInfo& info = array.info();
  const int leading = info.shape.size() - kMaxRasterAxes;
  AxisVector rest;
  for (int axis = leading; axis < info.shape.size(); ++axis) rest.push_back(info.shape[axis]);
  const std::string description = DescribeElements(info, rest);

  std::vector<ListedPart> parts;
  Box indexes{AxisVector(leading, 0), AxisVector()};
  for (int axis = 0; axis < leading; ++axis) indexes.stop.push_back(info.shape[axis]);
  AxisVector index = indexes.start;
  do {
    parts.push_back({FormatDatasetName(driver, name.path, name.part, index), description});
  } while (parts.size() < kMaxListedSubdatasets && Advance(indexes, index));

  std::unique_ptr<GDALDataset> dataset = ListParts(parts);
  dataset->GDALDataset::SetMetadata(ImageStructure(info).List(), "IMAGE_STRUCTURE");
  return dataset;
}

}  // namespace ndarray
