// Turns the ranges of a window into requests of a file that answers each of them separately: an
// HTTP server, an object store.
#ifndef GDAL_NDARRAY_STORE_IO_RANGE_REQUESTS_H_
#define GDAL_NDARRAY_STORE_IO_RANGE_REQUESTS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "driver/store/io/byte_file.h"
#include "driver/store/status.h"

namespace ndarray {

struct RequestLimits {
  size_t max_in_flight;        // ranges in one call of `request`, at least 1
  uint64_t max_gap_bytes;      // between two ranges that become one
  uint64_t max_joined_bytes;   // of what several ranges become; a single one may exceed it
  uint64_t max_scratch_bytes;  // of all joined ranges of one call
};

// Asks for all of its ranges at once, and fills them.
using RangeRequest = std::function<Status(const std::vector<ByteRange>&)>;

// Fills every range, in any order and overlapping or not, through calls of `request` in rising file
// order, until one fails. What lies between joined ranges is read and dropped.
Status ReadInRequests(std::vector<ByteRange> ranges, const RequestLimits& limits,
                      const RangeRequest& request);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_IO_RANGE_REQUESTS_H_
