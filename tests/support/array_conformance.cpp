#include "tests/support/array_conformance.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/support/status_matchers.h"

namespace ndarray::testing {
namespace {

size_t ElementAt(const AxisVector& shape, const Box& box, const AxisVector& index) {
  int64_t element = 0;
  for (int axis = 0; axis < shape.size(); ++axis) {
    element = element * shape[axis] + box.start[axis] + index[axis];
  }
  return static_cast<size_t>(element);
}

void ExpectBoxReadsInto(const Array& array, size_t field, const ReferenceArray& reference,
                        const Box& box, StridedBuffer& buffer) {
  ASSERT_THAT(array.Read(field, box, buffer.view()), IsOk());
  EXPECT_EQ(buffer.Elements() == reference.ElementsOf(box), true)
      << "other elements in " << ::testing::PrintToString(box);
  EXPECT_TRUE(buffer.GuardsUntouched()) << "wrote elsewhere: " << ::testing::PrintToString(box);
}

void ExpectBoxReadsLike(const Array& array, size_t field, const ReferenceArray& reference,
                        const Box& box, Random& random) {
  const size_t element_bytes = reference.dtype.size_bytes();
  StridedBuffer packed(Counts(box), element_bytes);
  ExpectBoxReadsInto(array, field, reference, box, packed);
  StridedBuffer strided(Counts(box), element_bytes, random);
  ExpectBoxReadsInto(array, field, reference, box, strided);
}

}  // namespace

ReferenceArray ReferenceArray::OfRandom(const DType& dtype, const AxisVector& shape,
                                        Random& random) {
  const size_t size_bytes = static_cast<size_t>(Product(shape)) * dtype.size_bytes();
  ReferenceArray reference{dtype, shape, RandomBytes(random, size_bytes)};
  if (dtype.type == ScalarType::kBool) {
    for (char& value : reference.elements) value = value & 1;
  }
  return reference;
}

std::string ReferenceArray::ElementsOf(const Box& box) const {
  const size_t size = dtype.size_bytes();
  std::string part;
  ForEachIndex(Counts(box), [&](const AxisVector& index) {
    part.append(elements, ElementAt(shape, box, index) * size, size);
  });
  return part;
}

void ReferenceArray::SetElementsOf(const Box& box, std::string_view from) {
  const size_t size = dtype.size_bytes();
  size_t at = 0;
  ForEachIndex(Counts(box), [&](const AxisVector& index) {
    std::string element(from.substr(at, size));
    if (dtype.type == ScalarType::kBool) element[0] = element[0] != 0;
    elements.replace(ElementAt(shape, box, index) * size, size, element);
    at += size;
  });
}

std::vector<AxisVector> ConformanceShapes() {
  return {{1},     {17},      {1, 1},          {1, 13},        {13, 1},
          {9, 31}, {3, 4, 5}, {5, 1, 3, 1, 4}, {2, 3, 2, 2, 2}};
}

Box WholeBox(const AxisVector& shape) { return {AxisVector(shape.size(), 0), shape}; }

Box RandomBox(const AxisVector& shape, Random& random) {
  Box box = WholeBox(shape);
  for (int axis = 0; axis < shape.size(); ++axis) {
    box.start[axis] = RandomInt(random, 0, shape[axis] - 1);
    box.stop[axis] = RandomInt(random, box.start[axis] + 1, shape[axis]);
  }
  return box;
}

std::vector<Box> EdgeBoxes(const AxisVector& shape) {
  const Box whole = WholeBox(shape);
  Box first = whole;
  Box last = whole;
  std::vector<Box> boxes = {whole};
  for (int axis = 0; axis < shape.size(); ++axis) {
    Box low = whole;
    Box high = whole;
    low.stop[axis] = first.stop[axis] = 1;
    high.start[axis] = last.start[axis] = shape[axis] - 1;
    boxes.push_back(low);
    boxes.push_back(high);
  }
  boxes.push_back(first);
  boxes.push_back(last);
  return boxes;
}

void ExpectReadsLike(const Array& array, size_t field, const ReferenceArray& reference,
                     Random& random, int boxes) {
  ASSERT_EQ(array.info().shape, reference.shape);
  ASSERT_EQ(array.info().fields[field].dtype.type, reference.dtype.type);
  std::vector<Box> all = EdgeBoxes(reference.shape);
  for (int i = 0; i < boxes; ++i) all.push_back(RandomBox(reference.shape, random));
  for (const Box& box : all) {
    array.Prefetch(box);
    ExpectBoxReadsLike(array, field, reference, box, random);
    if (::testing::Test::HasFailure()) return;  // one broken box says enough
  }
}

void ExpectWritesLike(WritableArray& array, size_t field, ReferenceArray& reference, Random& random,
                      int boxes) {
  const size_t element_bytes = reference.dtype.size_bytes();
  std::vector<Box> all;
  for (int i = 0; i < boxes; ++i) all.push_back(RandomBox(reference.shape, random));
  all.push_back(WholeBox(reference.shape));
  for (const Box& box : all) {
    const AxisVector counts = Counts(box);
    StridedBuffer source = RandomInt(random, 0, 1) == 0
                               ? StridedBuffer(counts, element_bytes)
                               : StridedBuffer(counts, element_bytes, random);
    source.SetElements(RandomBytes(random, static_cast<size_t>(Product(counts)) * element_bytes));
    const std::string written = source.Elements();
    ASSERT_THAT(array.Write(field, box, source.const_view()), IsOk());
    EXPECT_TRUE(source.Elements() == written) << "the source changed";
    reference.SetElementsOf(box, written);
    ExpectBoxReadsLike(array, field, reference, WholeBox(reference.shape), random);
    if (::testing::Test::HasFailure()) {
      ADD_FAILURE() << "after writing " << ::testing::PrintToString(box);
      return;
    }
  }
}

void ExpectConcurrentReadsLike(const Array& array, size_t field, const ReferenceArray& reference,
                               int threads, int boxes_per_thread) {
  std::atomic<int> wrong{0};
  std::vector<std::thread> readers;
  for (int reader = 0; reader < threads; ++reader) {
    readers.emplace_back([&, reader] {
      Random random(static_cast<uint32_t>(reader));
      for (int i = 0; i < boxes_per_thread; ++i) {
        const Box box = RandomBox(reference.shape, random);
        StridedBuffer buffer(Counts(box), reference.dtype.size_bytes(), random);
        const Status status = array.Read(field, box, buffer.view());
        if (!status.ok() || buffer.Elements() != reference.ElementsOf(box)) ++wrong;
      }
    });
  }
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(wrong, 0) << "boxes read wrong";
}

}  // namespace ndarray::testing
