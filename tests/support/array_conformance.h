// What every Array must do, whatever file it reads: compared with an array in memory that is read
// and written element by element. A store's tests make files of a ReferenceArray, open them and
// call these; failures are reported with the box.
#ifndef GDAL_NDARRAY_TESTS_SUPPORT_ARRAY_CONFORMANCE_H_
#define GDAL_NDARRAY_TESTS_SUPPORT_ARRAY_CONFORMANCE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "driver/store/array.h"
#include "driver/store/dtype/dtype.h"
#include "tests/support/strided_buffer.h"

namespace ndarray::testing {

// The truth. Elements are in C order and in native byte order, whatever the file has.
struct ReferenceArray {
  DType dtype;
  AxisVector shape;
  std::string elements;

  static ReferenceArray OfRandom(const DType& dtype, const AxisVector& shape, Random& random);

  std::string ElementsOf(const Box& box) const;
  // As WritableArray::Write has to: bools become 0 or 1.
  void SetElementsOf(const Box& box, std::string_view from);
};

// Shapes that a store has to cope with at least: one element, one axis, 1-wide axes, many axes.
std::vector<AxisVector> ConformanceShapes();

Box WholeBox(const AxisVector& shape);
Box RandomBox(const AxisVector& shape, Random& random);
// The whole array, its first and last element, and each of its faces: boxes 1 wide in one axis.
std::vector<Box> EdgeBoxes(const AxisVector& shape);

// Reads edge boxes and random ones, each into memory in C order and into memory of random strides.
void ExpectReadsLike(const Array& array, size_t field, const ReferenceArray& reference,
                     Random& random, int boxes = 8);

// Writes random boxes from memory of random strides to the array and to the reference, and reads
// the whole array after each.
void ExpectWritesLike(WritableArray& array, size_t field, ReferenceArray& reference, Random& random,
                      int boxes = 8);

// Reads random boxes from several threads at once.
void ExpectConcurrentReadsLike(const Array& array, size_t field, const ReferenceArray& reference,
                               int threads, int boxes_per_thread);

}  // namespace ndarray::testing

#endif  // GDAL_NDARRAY_TESTS_SUPPORT_ARRAY_CONFORMANCE_H_
