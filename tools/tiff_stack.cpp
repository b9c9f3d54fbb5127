#include "tools/tiff_stack.h"

#include <algorithm>
#include <functional>
#include <future>
#include <memory>
#include <optional>

#ifdef NDARRAY_HAS_B2ND
#include "driver/raster/b2nd_options.h"
#include "driver/store/b2nd_writer.h"
#endif
#include "driver/raster/overwrite.h"
#include "driver/raster/vsi_file.h"
#include "driver/store/checked_math.h"
#include "driver/store/npy_array.h"
#include "driver/store/thread_pool.h"
#include "tools/command.h"

namespace ndarray::tools {
namespace {

constexpr int64_t kBatchBytes = int64_t{64} << 20;
constexpr int64_t kMostPieceBytes = int64_t{4} << 30;
constexpr int64_t kTaskBytes = int64_t{1} << 20;  // decoded by one thread at a time, at least

// The same lines of some pages that follow one another.
struct Piece {
  int64_t first_page, pages;
  int64_t first_line, lines;
  int64_t at_bytes;  // in the batch
};

struct Batch {
  std::vector<Piece> pieces;
  std::unique_ptr<std::byte[]> pixels;
  int64_t room_bytes = 0, used_bytes = 0;
};

// What pieces are made of: `pages_together` of each `pages_in_row`, so that no piece crosses the
// end of the last axis of pages.
struct PieceShape {
  int64_t pages_in_row = 1, pages_together = 1, lines = 1;
};

// Decodes batch after batch while what came before is written.
class StackCopier {
 public:
  using Sink = std::function<Status(const Batch&)>;

  StackCopier(const TiffPages& pages, const PieceShape& shape, int max_threads)
      : pages_(pages), shape_(shape), max_threads_(max_threads) {}

  void Copy(const Sink& sink, GDALProgressFunc progress) {
    Batch batches[2];
    std::future<Status> writing;  // ends before the batches do
    int current = 0;
    const int64_t lines = pages_.height() * pages_.count();
    int64_t done = 0;
    while (Next(batches[current])) {
      const Batch& batch = batches[current];
      Decode(batch);
      if (writing.valid()) Check(writing.get());
      writing = std::async(std::launch::async, [&sink, &batch] { return sink(batch); });
      for (const Piece& piece : batch.pieces) done += piece.pages * piece.lines;
      current = 1 - current;
      if (!progress(static_cast<double>(done) / static_cast<double>(lines), "", nullptr)) {
        StopIfInterrupted();
      }
    }
    if (writing.valid()) Check(writing.get());
  }

 private:
  // Fills the batch with the pieces that come next; false where there are none.
  bool Next(Batch& batch) {
    batch.pieces.clear();
    batch.used_bytes = 0;
    while (page_ < pages_.count()) {
      const int64_t in_row = shape_.pages_in_row - page_ % shape_.pages_in_row;
      Piece piece{page_, std::min(shape_.pages_together, in_row), line_,
                  std::min(shape_.lines, pages_.height() - line_), batch.used_bytes};
      const int64_t size = piece.pages * piece.lines * pages_.line_bytes();
      if (!batch.pieces.empty() && batch.used_bytes + size > kBatchBytes) break;
      batch.pieces.push_back(piece);
      batch.used_bytes += size;
      line_ += piece.lines;
      if (line_ < pages_.height()) continue;
      line_ = 0;
      page_ += piece.pages;
    }
    if (batch.used_bytes > batch.room_bytes) {
      batch.pixels.reset();
      batch.pixels.reset(new std::byte[static_cast<size_t>(batch.used_bytes)]);  // not cleared
      batch.room_bytes = batch.used_bytes;
    }
    return !batch.pieces.empty();
  }

  // A thread decodes some strips or rows of tiles, of one page.
  void Decode(const Batch& batch) const {
    struct Task {
      int64_t page, first_line, lines;
      std::byte* to;
    };
    const int64_t together = pages_.lines_together();
    const int64_t least = std::max<int64_t>(kTaskBytes / pages_.line_bytes(), 1);
    const int64_t step = (least + together - 1) / together * together;
    std::vector<Task> tasks;
    for (const Piece& piece : batch.pieces) {
      const int64_t stop = piece.first_line + piece.lines;
      for (int64_t page = 0; page < piece.pages; ++page) {
        for (int64_t line = piece.first_line; line < stop;) {
          const int64_t end = std::min((line / step + 1) * step, stop);
          const int64_t lines_before = page * piece.lines + line - piece.first_line;
          tasks.push_back(
              {piece.first_page + page, line, end - line,
               batch.pixels.get() + piece.at_bytes + lines_before * pages_.line_bytes()});
          line = end;
        }
      }
    }
    Check(TryParallelFor(static_cast<int64_t>(tasks.size()), max_threads_, [&](int64_t i) {
      StopIfInterrupted();
      const Task& task = tasks[static_cast<size_t>(i)];
      pages_.ReadLines(task.page, task.first_line, task.lines, task.to);
      return Status();
    }));
  }

  const TiffPages& pages_;
  const PieceShape shape_;
  const int max_threads_;
  int64_t page_ = 0, line_ = 0;
};

// Lines of a piece: those of a whole page if they are not many, so that no strip is decoded twice.
int64_t PieceLines(const TiffPages& pages, int64_t step) {
  const auto rounded = [&](int64_t lines) { return (lines + step - 1) / step * step; };
  const bool small = pages.line_bytes() <= kBatchBytes / 2 / pages.height();
  const int64_t lines =
      rounded(small ? pages.height() : std::min(pages.lines_together(), pages.height()));
  if (std::min(lines, pages.height()) > kMostPieceBytes / pages.line_bytes()) {
    throw Failure(pages.path() + ": " + std::to_string(lines) + " lines of " +
                  std::to_string(pages.width()) +
                  " pixels, which are decoded together, take more than 4 GiB");
  }
  return lines;
}

// They describe the old pixels: they go with them, and not before.
void Commit(OutputFile& file) {
  StopIfInterrupted();
  Check(file.Commit());
  DeleteSidecars(file.path());
}

void AddAxis(Stack& stack, const char* name, int64_t size, char letter) {
  stack.names.emplace_back(name);
  stack.array.shape.push_back(size);
  stack.array.axes += letter;
}

}  // namespace

Stack PlanStack(const TiffPages& pages, const std::string& path) {
  Stack stack;
  stack.array.path = path;
  stack.array.width = static_cast<int>(pages.width());
  stack.array.height = static_cast<int>(pages.height());
  stack.array.bands = static_cast<int>(pages.samples());
  stack.array.dtype = {pages.type(), kNativeOrder};
  stack.array.type = ToBandType(pages.type());
  if (const auto& found = pages.hyperstack()) {
    if (found->frames > 1) AddAxis(stack, "t", found->frames, kPlanes);
    if (found->slices > 1) AddAxis(stack, "z", found->slices, kPlanes);
    if (found->channels > 1) AddAxis(stack, "c", found->channels, kPlanes);
  } else {
    AddAxis(stack, "page", pages.count(), kPlanes);
  }
  AddAxis(stack, "y", pages.height(), 'Y');
  AddAxis(stack, "x", pages.width(), 'X');
  if (pages.samples() > 1) AddAxis(stack, "band", pages.samples(), 'B');
  const std::optional<int64_t> count = CheckedProduct(stack.array.shape);
  if (!count || !CheckedMultiply<int64_t>(*count, static_cast<int64_t>(SizeBytes(pages.type())))) {
    throw Failure(pages.path() + ": pages: found " + ShapeString(stack.array.shape) +
                  ", wanted less than 2^63 bytes in all");
  }
  return stack;
}

void WriteNpyStack(const TiffPages& pages, const Stack& stack, GDALProgressFunc progress) {
  const std::unique_ptr<OutputFile> file = Value(CreateOutputFile(stack.array.path));
  const uint64_t data_offset =
      Value(StartNpyFile(*file, stack.array.dtype, stack.array.shape, true));
  const auto write = [&](const Batch& batch) -> Status {
    const Piece& first = batch.pieces.front();  // the others follow it in the file, too
    const int64_t line = first.first_page * pages.height() + first.first_line;
    return file->WriteAt(data_offset + static_cast<uint64_t>(line * pages.line_bytes()),
                         batch.pixels.get(), static_cast<size_t>(batch.used_bytes));
  };
  StackCopier(pages, {1, 1, PieceLines(pages, 1)}, stack.array.max_threads).Copy(write, progress);
  Commit(*file);
}

#ifdef NDARRAY_HAS_B2ND
namespace {

// The chunks of a batch's pieces.
class ChunkList {
 public:
  ChunkList(const B2ndLayout& layout, const Stack& stack)
      : layout_(layout),
        lines_axis_(static_cast<int>(stack.array.axes.find('Y'))),
        line_bytes_(int64_t{stack.array.width} * stack.array.bands * layout.element.element_bytes),
        pixel_bytes_(stack.array.bands * int64_t{layout.element.element_bytes}) {}

  void Add(const Piece& piece, const std::byte* pixels) {
    AxisVector strides(layout_.shape.size());
    strides[lines_axis_ - 1] = piece.lines * line_bytes_;
    strides[lines_axis_] = line_bytes_;
    strides[lines_axis_ + 1] = pixel_bytes_;
    if (strides.size() > lines_axis_ + 2) {
      strides[lines_axis_ + 2] = layout_.element.element_bytes;
    }
    AxisVector place = PageChunk(piece.first_page);
    for (int64_t y = 0; y < piece.lines; y += layout_.chunk_shape[lines_axis_]) {
      place[lines_axis_] = (piece.first_line + y) / layout_.chunk_shape[lines_axis_];
      for (int64_t x = 0; x < layout_.chunk_grid[lines_axis_ + 1]; ++x) {
        place[lines_axis_ + 1] = x;
        const int64_t left = x * layout_.chunk_shape[lines_axis_ + 1];
        chunks.push_back({GridNumber(layout_.chunk_grid, place),
                          {pixels + y * line_bytes_ + left * pixel_bytes_, strides}});
      }
    }
  }

  std::vector<B2ndWriter::Chunk> chunks;

 private:
  // Where in the grid of chunks the page is.
  AxisVector PageChunk(int64_t page) const {
    AxisVector place(layout_.shape.size());
    for (int axis = lines_axis_ - 1; axis >= 0; --axis) {
      place[axis] = page % layout_.shape[axis] / layout_.chunk_shape[axis];
      page /= layout_.shape[axis];
    }
    return place;
  }

  const B2ndLayout& layout_;
  const int lines_axis_;
  const int64_t line_bytes_, pixel_bytes_;
};

}  // namespace

void WriteB2ndStack(const TiffPages& pages, const Stack& stack, const StackAttributes& attributes,
                    StringList options, GDALProgressFunc progress) {
  Result<B2ndPlan> plan = PlanB2nd(stack.array, options);
  if (!plan.ok() && plan.status().code() == StatusCode::kInvalidArgument) {
    throw WrongUsage(plan.status().message());
  }
  Check(plan.status());
  const std::unique_ptr<OutputFile> file = Value(CreateOutputFile(stack.array.path));
  const std::unique_ptr<B2ndWriter> writer = Value(
      B2ndWriter::Start(*file, plan->layout, plan->compression, attributes, plan->max_threads));
  const B2ndLayout& layout = writer->layout();
  const int lines_axis = static_cast<int>(stack.array.axes.find('Y'));
  const auto write = [&](const Batch& batch) -> Status {
    ChunkList list(layout, stack);
    for (const Piece& piece : batch.pieces) list.Add(piece, batch.pixels.get() + piece.at_bytes);
    return writer->WriteChunks(list.chunks);
  };
  const PieceShape shape{layout.shape[lines_axis - 1], layout.chunk_shape[lines_axis - 1],
                         PieceLines(pages, layout.chunk_shape[lines_axis])};
  StackCopier(pages, shape, plan->max_threads).Copy(write, progress);
  Check(writer->Finish());
  Commit(*file);
}
#endif

}  // namespace ndarray::tools
