#include "driver/store/b2nd/decoded_chunk.h"

#include <cstring>

#include "driver/store/box.h"
#include "driver/store/strided_copy.h"

namespace ndarray {
namespace {

// Calls copy(element in the chunk's memory, box) for the part of each block within `part`.
template <typename Byte, typename Copy>
void ForEachBlock(const B2ndLayout& layout, Byte* chunk, const AxisVector& position,
                  const Box& part, const Copy& copy) {
  const Box blocks = BlocksOf(layout, position, part);
  AxisVector block = blocks.start;
  do {
    const Box block_box = BlockBox(layout, position, block);
    const Box inner = Intersection(block_box, part);
    copy(chunk + GridIndex(layout.block_grid, block) * layout.block_bytes +
             OffsetOf(layout.block_strides_bytes, block_box, inner),
         inner);
  } while (Advance(blocks, block));
}

}  // namespace

void CopyOutOfChunk(const B2ndLayout& layout, const std::byte* chunk, const AxisVector& position,
                    const Field& field, const Box& part, const StridedView& to) {
  ForEachBlock(layout, chunk, position, part, [&](const std::byte* from, const Box& inner) {
    StridedCopy(field.dtype, Counts(inner), {from + field.offset_bytes, layout.block_strides_bytes},
                Shifted(to, part, inner), 1);
  });
}

void CopyIntoChunk(const B2ndLayout& layout, std::byte* chunk, const AxisVector& position,
                   const Field& field, const Box& part, const ConstStridedView& from) {
  ForEachBlock(layout, chunk, position, part, [&](std::byte* to, const Box& inner) {
    const StridedView view{to + field.offset_bytes, layout.block_strides_bytes};
    StridedCopy(field.dtype, Counts(inner), Shifted(from, part, inner), view, 1);
    if (field.dtype.type == ScalarType::kBool) MakeBools(view, Counts(inner));
  });
}

void CopyBetweenChunks(const B2ndLayout& layout, const std::byte* from, std::byte* to,
                       const AxisVector& position, const Field& field, const Box& part) {
  const DType as_is{field.dtype.type, kNativeOrder};
  ForEachBlock(layout, to, position, part, [&](std::byte* block, const Box& inner) {
    const std::ptrdiff_t at = block - to + field.offset_bytes;
    StridedCopy(as_is, Counts(inner), {from + at, layout.block_strides_bytes},
                {to + at, layout.block_strides_bytes}, 1);
  });
}

void FillChunk(const B2ndLayout& layout, std::byte* chunk, const AxisVector& position,
               const ConstStridedView& from) {
  const Box box = ChunkBox(layout, position);
  if (ElementsIn(box) * layout.element.element_bytes < layout.chunk_bytes) {
    std::memset(chunk, 0, static_cast<size_t>(layout.chunk_bytes));
  }
  ForEachBlock(layout, chunk, position, box, [&](std::byte* to, const Box& inner) {
    AxisVector counts = Counts(inner);
    ConstStridedView part = Shifted(from, box, inner);
    StridedView block{to, layout.block_strides_bytes};
    if (!layout.element.is_record) {
      return StridedCopy(layout.element.fields[0].dtype, counts, part, block, 1);
    }
    counts.push_back(layout.element.element_bytes);  // bytes, along one more axis
    part.strides_bytes.push_back(1);
    block.strides_bytes.push_back(1);
    StridedCopy({}, counts, part, block, 1);
  });
}

}  // namespace ndarray
