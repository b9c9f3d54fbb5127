// A frame that holds nothing but attributes: what python-blosc2 keeps those of a group in.
#ifndef GDAL_NDARRAY_STORE_FRAME_ATTRIBUTE_FRAME_H_
#define GDAL_NDARRAY_STORE_FRAME_ATTRIBUTE_FRAME_H_

#include <cstdint>
#include <string>
#include <vector>

#include "driver/store/attributes.h"
#include "driver/store/status.h"

namespace ndarray {

// A super-chunk of bytes without any chunk, as a file has it. `metalayer`: a name and its content;
// without a name there is none. chunk_bytes: what a chunk will have, should somebody add one; 0:
// whatever it has. kInvalidArgument for more attributes, or longer names, than frames have; without
// a path.
Result<std::string> MakeAttributeFrame(const Attribute& metalayer,
                                       const std::vector<Attribute>& attributes,
                                       int32_t chunk_bytes = 0);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_FRAME_ATTRIBUTE_FRAME_H_
