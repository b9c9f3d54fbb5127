// The colours of bands whose colours are not set.
#ifndef GDAL_NDARRAY_RASTER_METADATA_COLORS_H_
#define GDAL_NDARRAY_RASTER_METADATA_COLORS_H_

#include <optional>
#include <string>

#include "driver/raster/gdal_types.h"

namespace ndarray {

// The colour of band `number`, from 1, of a file that does not mention colours. An array is taken
// for a picture where the last axis has three numbers of 8 or 16 bits, or four of 8 bits, the last
// of which is alpha.
GDALColorInterp ColorByShape(const std::string& axes, int bands, const BandType& type, int number);

// The colour of a band of a new file: three or four bands of bytes are a picture, as in GeoTIFF.
GDALColorInterp ColorOfNewBand(int bands, const BandType& type, int number);

// Stores a colour that was set in a metadata item, which takes precedence over everything else.
// GDAL itself does not store that a band was set to have none.
CPLErr KeepColor(GDALRasterBand& band, GDALColorInterp color);
std::optional<GDALColorInterp> KeptColor(GDALRasterBand& band);

// Gives the bands of a new dataset these colours, or none.
void ColorNewBands(GDALDataset& dataset, const BandType& type);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_METADATA_COLORS_H_
