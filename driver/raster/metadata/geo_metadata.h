// Everything of a dataset that is not pixels.
#ifndef GDAL_NDARRAY_RASTER_METADATA_GEO_METADATA_H_
#define GDAL_NDARRAY_RASTER_METADATA_GEO_METADATA_H_

#include <cpl_minixml.h>

#include <string>
#include <vector>

#include "driver/raster/gdal_compat.h"

namespace ndarray {

// Copies CRS, geotransform, GCPs, nodata, colour interpretation and tables, descriptions,
// scale/offset/unit, category names, attribute tables and all metadata domains that are about the
// image rather than about the source's file. Not masks (see mask_file.h).
void CopyMetadata(GDALDataset& source, GDALPamDataset& destination);

// The same as the text of a PAM document (what a sidecar holds), but CRS and geotransform, and the
// dataset's items of these keys; for an array of these axes. Empty where there is nothing to say.
// Where it would be long, and all bands say the same, few things, these stand in one element,
// EveryBand, which has what each PAMRasterBand would have.
std::string SerializeMetadata(GDALDataset& source, const std::string& axes,
                              const std::vector<std::string>& without_items);

// That element of a document's root; nullptr where there is none, or one that says more than ours:
// it is looked at for each of maybe very many bands.
CPLXMLNode* FindEveryBand(const CPLXMLNode& root);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_METADATA_GEO_METADATA_H_
