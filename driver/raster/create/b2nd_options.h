// The creation options of the driver B2ND: how a new array is cut and compressed.
#ifndef GDAL_NDARRAY_RASTER_CREATE_B2ND_OPTIONS_H_
#define GDAL_NDARRAY_RASTER_CREATE_B2ND_OPTIONS_H_

#include <cpl_string.h>

#include <cstdint>
#include <string>

#include "driver/raster/create/new_array.h"
#include "driver/raster/gdal_compat.h"
#include "driver/store/blosc2/b2nd_layout.h"
#include "driver/store/blosc2/blosc_codec.h"
#include "driver/store/status.h"

namespace ndarray {

// GDAL_DMD_CREATIONOPTIONLIST.
std::string B2ndCreationOptions();

struct B2ndPlan {
  B2ndLayout layout;
  Compression compression;
  int max_threads = 1;
  CPLStringList words;        // the options in B2ND's own words
  int64_t side_of_bytes = 0;  // as CutB2nd wants it
};

// Everything that can be wrong with COMPRESS, LEVEL, FILTER, CHECKSUM, BLOCKXSIZE, BLOCKYSIZE,
// CHUNKXSIZE, CHUNKYSIZE and the words of B2ndOptionWords: kInvalidArgument, with the path. Without
// options chunks and blocks are those of CutB2nd; ZSTD 1, of float32 3; filters are chosen for each
// chunk.
Result<B2ndPlan> PlanB2nd(const NewArray& array, StringList options);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_CREATE_B2ND_OPTIONS_H_
