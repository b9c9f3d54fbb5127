// The colours of bands that nobody has named.
#ifndef GDAL_NDARRAY_RASTER_METADATA_COLORS_H_
#define GDAL_NDARRAY_RASTER_METADATA_COLORS_H_

#include <optional>
#include <string>

#include "driver/raster/gdal_types.h"

namespace ndarray {

// For band `number`, from 1, of a file that says nothing of colours. An array with three numbers of
// 8 or 16 bits last is a picture, as one with four of 8 bits is, the last of which is alpha.
GDALColorInterp ColorByShape(const std::string& axes, int bands, const BandType& type, int number);

// For a band of a new file: three or four bands of bytes are a picture, as GeoTIFF makes them.
GDALColorInterp ColorOfNewBand(int bands, const BandType& type, int number);

// Remembers a colour that somebody has chosen in an item of metadata, which counts for more than
// all else. GDAL itself does not keep that a band is to have none.
CPLErr KeepColor(GDALRasterBand& band, GDALColorInterp color);
std::optional<GDALColorInterp> KeptColor(GDALRasterBand& band);

// Gives the bands of a new dataset these colours, or none.
void ColorNewBands(GDALDataset& dataset, const BandType& type);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_METADATA_COLORS_H_
