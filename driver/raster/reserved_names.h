// Names that files and their sidecars keep for the drivers.
#ifndef GDAL_NDARRAY_RASTER_RESERVED_NAMES_H_
#define GDAL_NDARRAY_RASTER_RESERVED_NAMES_H_

namespace ndarray {

// The metadata domain, kept in the sidecar, where a file we wrote remembers its AXES.
constexpr const char* kMetadataDomain = "NDARRAY";

// The item, in that domain, of drivers whose datasets say more of their files in the domain of the
// driver's name.
constexpr const char* kDetailsItem = "DETAILS";

// The item, in the domain of the driver's name, by which a dataset that is open for update takes
// chunks out of another file as they are: {"path": "...", "start": [...], "stop": [...]}.
constexpr const char* kTakeChunksItem = "TAKE_CHUNKS";

// The item of drivers, in kMetadataDomain: suffixes of the files that belong to one of theirs.
constexpr const char* kSidecarsItem = "SIDECARS";

// The attribute that holds a mask.
constexpr const char* kMaskAttribute = "gdal:mask";

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_RESERVED_NAMES_H_
