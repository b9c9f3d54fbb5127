// Creation options in the words of GDAL's GeoTIFF and COG drivers, which users of those type.
#ifndef GDAL_NDARRAY_RASTER_CREATE_OPTION_WORDS_H_
#define GDAL_NDARRAY_RASTER_CREATE_OPTION_WORDS_H_

#include <cpl_string.h>

#include <cstdint>
#include <string>

#include "driver/raster/gdal_compat.h"
#include "driver/store/status.h"

namespace ndarray {

// The number that an option has, `otherwise` where it is not given. kInvalidArgument for others
// than whole numbers from `min` to `max`.
Result<int64_t> NumberOption(StringList options, const char* name, int64_t min, int64_t max,
                             int64_t otherwise);

// Elements of GDAL_DMD_CREATIONOPTIONLIST, so that GDAL does not call these words unknown: those
// that B2ndOptionWords understands, and those of which WarnOfUnused warns. Descriptions of
// the latter begin with kIgnored.
constexpr const char* kIgnored = "Ignored";
extern const char* const kB2ndOptionWords;
extern const char* const kNpyIgnoredOptions;

// The same of what is understood of a .b2z (b2z_options.h).
extern const char* const kB2zOptions;

// The options of the driver B2ND, in its own words: COMPRESS=DEFLATE is ZLIB; BLOCKSIZE is both
// BLOCKXSIZE and BLOCKYSIZE; ZSTD_LEVEL and ZLEVEL are LEVEL, if they are of the codec; PREDICTOR
// is FILTER, with a GDAL warning that names it. Where both words are given, B2ND's own counts.
// kInvalidArgument for values that GeoTIFF does not have either.
Result<CPLStringList> B2ndOptionWords(const std::string& path, StringList options);

// One GDAL warning that names all options which a .npy cannot use; none for those that ask for what
// it is anyway: uncompressed, and GDAL blocks of this size.
void WarnOfUnused(const std::string& path, StringList options, int block_width, int block_height);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_CREATE_OPTION_WORDS_H_
