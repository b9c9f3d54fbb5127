#include "driver/store/archive/pyramid.h"

#include <iterator>
#include <system_error>
#include <utility>

#include "driver/store/box.h"
#include "driver/store/thread_pool.h"

namespace ndarray {
namespace {

// The mask of a box of the raster.
struct MaskPart {
  Buffer bytes{0};
  ConstStridedView view;
};

Status ReadMask(const Halving& halving, const Array* mask, const Box& box, MaskPart& part) {
  if (mask == nullptr) return {};
  Box from;
  const auto add = [&](int axis) {
    from.start.push_back(axis >= 0 ? box.start[axis] : 0);
    from.stop.push_back(axis >= 0 ? box.stop[axis] : 1);
  };
  const bool by_bands = mask->info().shape.size() == 3;
  if (by_bands) add(halving.band);
  add(halving.y);
  add(halving.x);
  part.bytes = Buffer(static_cast<size_t>(ElementsIn(from)));
  const AxisVector strides = CStrides(Counts(from), 1);
  part.view.data = part.bytes.data();
  part.view.strides_bytes = AxisVector(box.start.size(), 0);
  const int lines = by_bands ? 1 : 0;
  if (by_bands && halving.band >= 0) part.view.strides_bytes[halving.band] = strides[0];
  if (halving.y >= 0) part.view.strides_bytes[halving.y] = strides[lines];
  part.view.strides_bytes[halving.x] = strides[lines + 1];
  return mask->Read(0, from, {part.bytes.data(), strides});
}

}  // namespace

// What of a chunk a part makes.
struct Pyramid::Task {
  size_t part;
  Box coarse;
  Chunk* chunk;
};

Pyramid::Pyramid(Halving halving, std::vector<Level> levels, int max_threads)
    : halving_(std::move(halving)),
      levels_(std::move(levels)),
      max_threads_(max_threads),
      chunks_(levels_.size()) {}

Pyramid::~Pyramid() {
  if (writing_.valid()) writing_.wait();
}

// The threads that write the raster's next piece meanwhile leave none idle.
Status Pyramid::Add(const Box& box, const ConstStridedView& from) {
  if (levels_.empty()) return {};
  Result<std::vector<Chunk>> chunks = Halved(0, {{box, from}});
  Status status = Finish();
  if (!chunks.ok()) return chunks.status();
  if (!status.ok() || chunks->empty()) return status;
  if (max_threads_ == 1) return WriteChunks(0, *chunks);
  const auto shared = std::make_shared<std::vector<Chunk>>(std::move(*chunks));
  const auto write = [this, shared] { return WriteChunks(0, *shared); };
  try {
    writing_ = std::async(std::launch::async, write);
  } catch (const std::system_error&) {  // no thread to be had
    return write();
  }
  return {};
}

Status Pyramid::Finish() { return writing_.valid() ? writing_.get() : Status(); }

Pyramid::Chunk& Pyramid::ChunkAt(size_t level, const AxisVector& position) {
  const B2ndLayout& layout = levels_[level].layout;
  const int64_t index = GridIndex(layout.chunk_grid, position);
  const auto found = chunks_[level].find(index);
  if (found != chunks_[level].end()) return found->second;
  const Box box = ChunkBox(layout, position);
  const int64_t count = ElementsIn(box);
  Chunk chunk{box, Buffer(static_cast<size_t>(count * layout.element.element_bytes)), {}, count};
  chunk.view = {chunk.elements.data(), CStrides(Counts(box), layout.element.element_bytes)};
  return chunks_[level].emplace(index, std::move(chunk)).first->second;
}

Result<std::vector<Pyramid::Chunk>> Pyramid::Halved(size_t level, const Parts& fine) {
  const B2ndLayout& layout = levels_[level].layout;
  std::vector<Task> tasks;
  std::vector<MaskPart> masks(fine.size());
  for (size_t i = 0; i < fine.size(); ++i) {
    const Status status = ReadMask(halving_, levels_[level].fine_mask.get(), fine[i].box, masks[i]);
    if (!status.ok()) return status;
    const Box coarse = HalvedBox(halving_, fine[i].box);
    const Box chunks = ChunksOf(layout, coarse);
    AxisVector position = chunks.start;
    do {
      Chunk& chunk = ChunkAt(level, position);
      tasks.push_back({i, Intersection(coarse, chunk.box), &chunk});
    } while (Advance(chunks, position));
  }
  ParallelFor(static_cast<int64_t>(tasks.size()), max_threads_, [&](int64_t number) {
    const Task& task = tasks[static_cast<size_t>(number)];
    const auto& [box, from] = fine[task.part];
    Halve(halving_, box, from, masks[task.part].view, task.coarse,
          Shifted(task.chunk->view, task.chunk->box, task.coarse));
  });
  for (const Task& task : tasks) task.chunk->missing -= ElementsIn(task.coarse);
  std::vector<Chunk> whole;
  for (auto chunk = chunks_[level].begin(); chunk != chunks_[level].end();) {
    const bool is_whole = chunk->second.missing == 0;
    if (is_whole) whole.push_back(std::move(chunk->second));
    chunk = is_whole ? chunks_[level].erase(chunk) : std::next(chunk);
  }
  return whole;
}

Status Pyramid::WriteChunks(size_t level, const std::vector<Chunk>& chunks) {
  if (chunks.empty()) return {};
  Parts parts;
  for (const Chunk& chunk : chunks) {
    parts.push_back({chunk.box, {chunk.view.data, chunk.view.strides_bytes}});
  }
  const Status status = levels_[level].writer->Write(parts);
  if (!status.ok() || level + 1 == levels_.size()) return status;
  const Result<std::vector<Chunk>> next = Halved(level + 1, parts);
  return next.ok() ? WriteChunks(level + 1, *next) : next.status();
}

}  // namespace ndarray
