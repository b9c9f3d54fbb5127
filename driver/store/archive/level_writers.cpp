#include "driver/store/archive/level_writers.h"

#include <algorithm>
#include <utility>

#include "driver/store/archive/mask_levels.h"
#include "driver/store/b2nd/b2nd_writer.h"
#include "driver/store/b2nd/nested_array.h"
#include "driver/store/io/output_file.h"

namespace ndarray {
namespace {

// Writes to a file that stays open, to be read.
class ScratchOutput final : public OutputFile {
 public:
  ScratchOutput(std::string path, std::shared_ptr<WritableFile> file)
      : OutputFile(std::move(path)), file_(std::move(file)) {}

  Status Resize(uint64_t) override { return {}; }
  Status Reserve(uint64_t) override { return {}; }
  Status Commit() override { return {}; }
  Status WriteAt(uint64_t offset_bytes, const void* from, size_t size_bytes) override {
    size_bytes_ = std::max(size_bytes_, offset_bytes + size_bytes);
    return file_->WriteAt(offset_bytes, from, size_bytes);
  }

  const ByteFile& file() const { return *file_; }
  uint64_t size_bytes() const { return size_bytes_; }

 private:
  const std::shared_ptr<WritableFile> file_;
  uint64_t size_bytes_ = 0;
};

// The masks of image and levels; none where the image has no mask.
Result<std::vector<MaskLevel>> MasksOf(const std::string& path, const LevelsPlan& plan,
                                       const std::vector<Attribute>& attributes) {
  const auto found = std::find_if(
      attributes.begin(), attributes.end(),
      [&plan](const Attribute& attribute) { return attribute.first == plan.mask_attribute; });
  if (found == attributes.end() || plan.layouts.empty()) return std::vector<MaskLevel>();
  const std::string mask_path = NestedPath(path, plan.mask_attribute);
  Result<std::string> frame = UnpackNested(found->second);
  if (!frame.ok()) return frame.status().At(mask_path);
  return MakeMaskLevels(mask_path, std::move(*frame), plan.layouts.size(), plan.halving.resampling,
                        plan.max_threads);
}

}  // namespace

struct LevelWriters::Level {
  Level(const std::string& path, std::shared_ptr<WritableFile> file)
      : output(path, std::move(file)) {}

  ScratchOutput output;
  std::unique_ptr<B2ndWriter> writer;
};

LevelWriters::~LevelWriters() = default;

Result<std::unique_ptr<LevelWriters>> LevelWriters::Start(
    const std::string& path, const LevelsPlan& plan, const std::vector<Attribute>& image,
    const std::vector<std::vector<Attribute>>& attributes, const ScratchCreator& create_scratch) {
  Result<std::vector<MaskLevel>> masks = MasksOf(path, plan, image);
  if (!masks.ok()) return masks.status();
  const bool respects_masks = !masks->empty() && plan.halving.resampling != Resampling::kNearest;
  std::unique_ptr<LevelWriters> writers(new LevelWriters);
  std::vector<Pyramid::Level> levels;
  for (size_t i = 0; i < plan.layouts.size(); ++i) {
    Result<std::shared_ptr<WritableFile>> scratch = create_scratch();
    if (!scratch.ok()) return scratch.status();
    std::vector<Attribute> own = attributes[i];
    if (!masks->empty()) {
      own.emplace_back(plan.mask_attribute, PackNested(std::move((*masks)[i + 1].frame)));
    }
    writers->levels_.push_back(std::make_unique<Level>(path, std::move(*scratch)));
    Level& level = *writers->levels_.back();
    Result<std::unique_ptr<B2ndWriter>> writer =
        B2ndWriter::Start(level.output, plan.layouts[i], plan.compression, own, plan.max_threads);
    if (!writer.ok()) return writer.status();
    level.writer = std::move(*writer);
    levels.push_back(
        {plan.layouts[i], level.writer.get(), respects_masks ? (*masks)[i].array : nullptr});
  }
  writers->pyramid_.emplace(plan.halving, std::move(levels), plan.max_threads);
  return writers;
}

Status LevelWriters::Add(const Box& box, const ConstStridedView& from) {
  return pyramid_->Add(box, from);
}

Status LevelWriters::Wait() { return pyramid_->Finish(); }

Status LevelWriters::CopyTo(ZipWriter& zip, const std::vector<std::string>& names) {
  Status status;
  for (size_t i = 0; i < levels_.size() && status.ok(); ++i) {
    status = levels_[i]->writer->Finish();
    const ScratchOutput& output = levels_[i]->output;
    if (status.ok() && !names[i].empty()) {
      status = zip.AddRange(names[i], output.file(), 0, output.size_bytes());
    }
    levels_[i].reset();  // what it took on the disk is free
  }
  return status;
}

}  // namespace ndarray
