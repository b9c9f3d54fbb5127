// What the tools report about a file as GDAL shows it.
#ifndef GDAL_NDARRAY_TOOLS_RASTER_REPORT_H_
#define GDAL_NDARRAY_TOOLS_RASTER_REPORT_H_

#include <string>

#include "driver/raster/gdal_compat.h"
#include "tools/gdal_ndarray/report.h"

namespace ndarray::tools {

// Axes and size, CRS, pixel size, extent (in longitude and latitude, too), nodata, overviews; of
// arrays of more axes the number of subdatasets.
Report DescribeRaster(GDALDataset& dataset);

// The nodata value of a band, as its pixels have it, in as many digits as distinguish it from
// others, or "none".
std::string NoDataText(GDALRasterBand& band);

}  // namespace ndarray::tools

#endif  // GDAL_NDARRAY_TOOLS_RASTER_REPORT_H_
