// Which elements of a chunk have been written: some boxes, or a bit for each element of each field
// once there are too many. Exact, and next to nothing for windows that lie side by side: boxes that
// make up a box become one.
//
// Boxes are in elements of the array, within the chunk.
#ifndef GDAL_NDARRAY_STORE_B2ND_CHUNK_CHANGES_H_
#define GDAL_NDARRAY_STORE_B2ND_CHUNK_CHANGES_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "driver/store/array.h"
#include "driver/store/blosc2/b2nd_layout.h"

namespace ndarray {

class ChunkChanges {
 public:
  // `part` of a field has been written, of the chunk at `position` of the chunk grid.
  void Add(const B2ndLayout& layout, const AxisVector& position, size_t field, const Box& part);

  // Whether all of the chunk has been, as far as is known without counting.
  bool all() const { return all_; }

  // Copies what has been written from one decoded chunk, in which it was, to another.
  void Copy(const B2ndLayout& layout, const AxisVector& position, const std::byte* from,
            std::byte* to) const;

  // Of memory, about.
  size_t size_bytes() const;

 private:
  struct Part {
    size_t field;
    Box box;
  };
  // A part as numbers: its field, then start and stop of each axis, then zeros. Without allocation,
  // and a Box takes a kilobyte.
  using Numbers = std::array<int64_t, 1 + 2 * kMaxB2ndAxes>;

  // `count`: of numbers that are not zeros for want of axes.
  static bool Join(size_t count, const Numbers& part, Numbers& to);
  static Part PartOf(const B2ndLayout& layout, const Numbers& numbers);
  void AddPart(size_t count, Numbers part);
  void AddBits(const B2ndLayout& layout, const AxisVector& position, const Part& part);
  void CopyBits(const B2ndLayout& layout, const std::byte* from, std::byte* to) const;

  bool all_ = false;
  std::vector<Numbers> parts_;  // empty where there are bits
  std::vector<uint8_t> bits_;  // of the elements of the first field, in file order; of the next ...
};

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_B2ND_CHUNK_CHANGES_H_
