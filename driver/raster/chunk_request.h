// What is asked by the item TAKE_CHUNKS of a driver's own domain: how many processes write one file
// together without locks. Each makes a file of the same shape and cut in which only its own chunks
// are written; one of them takes all of these over, compressed as they are.
#ifndef GDAL_NDARRAY_RASTER_CHUNK_REQUEST_H_
#define GDAL_NDARRAY_RASTER_CHUNK_REQUEST_H_

#include <string>

#include "driver/store/array.h"
#include "driver/store/box.h"

namespace ndarray {

struct ChunkRequest {
  std::string path;  // of the other file, as GDAL opens it
  Box box;           // of both arrays
};

// Of {"path": "...", "start": [...], "stop": [...]}. kInvalidArgument, without a path, where the
// text is no such thing, or the box none of an array of that shape.
Result<ChunkRequest> ParseChunkRequest(const char* text, const AxisVector& shape);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_CHUNK_REQUEST_H_
