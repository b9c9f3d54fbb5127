// What was never written of a new array whose file cannot tell: an array without chunks, which is
// of zeros at first. As in files of chunks that are not there yet, it shows the nodata value.
#ifndef GDAL_NDARRAY_RASTER_MULTIDIM_UNWRITTEN_H_
#define GDAL_NDARRAY_RASTER_MULTIDIM_UNWRITTEN_H_

#include <cstddef>
#include <vector>

#include "driver/raster/multidim/element_window.h"
#include "driver/store/array.h"

namespace ndarray {

// Costs nothing where all is written in the end, window by window in an order that a few boxes can
// describe (as copies do): else the value is written to the rest. One thread at a time.
class Unwritten {
 public:
  explicit Unwritten(const AxisVector& shape) : shape_(shape) {}

  // Before a window is written. Elements that its steps leave out are unwritten ones for the last
  // time: they stay what they are now.
  Status NoteWrite(const ElementWindow& window, WritableArray& array);

  // From now on unwritten elements are this one, in native byte order. Settle() writes it; none is
  // known any more after 256 windows that do not touch each other.
  void Take(std::vector<std::byte> element);

  // Before somebody reads.
  Status Settle(WritableArray& array);

 private:
  void Add(Box box);
  Status Fill(const Box& box, WritableArray& array) const;

  const AxisVector shape_;
  std::vector<Box> written_;
  std::vector<std::byte> element_;  // empty: the zeros that the file has
  bool is_settled_ = true;
};

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_MULTIDIM_UNWRITTEN_H_
