#include "driver/store/archive/b2z_writer.h"

#include <algorithm>
#include <utility>

#include "driver/store/archive/mask_levels.h"
#include "driver/store/b2nd/nested_array.h"
#include "driver/store/frame/attribute_frame.h"

namespace ndarray {
namespace {

// As python-blosc2 writes them: msgpack.
const Attribute kTreeMetalayer = {"b2tree", std::string("\x81\xa7version\x01", 10)};
const Attribute kNothingEmbedded = {"estore_metadata", std::string("\x82\xa9"
                                                                   "embed_map\x80\xae"
                                                                   "current_offset\x00",
                                                                   28)};
constexpr int32_t kEmbedChunkBytes = 8192;

std::string LevelName(size_t level) { return std::to_string(level) + ".b2nd"; }

// More than its frame can take.
uint64_t MaxFrameBytes(const B2ndLayout& layout) {
  const auto chunks = static_cast<uint64_t>(layout.chunk_count);
  return (chunks + 1) * (static_cast<uint64_t>(layout.chunk_bytes) * 17 / 16 + 4096) +
         (uint64_t{256} << 20);
}

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
Result<std::vector<MaskLevel>> MasksOf(const std::string& path, const B2zPlan& plan,
                                       const std::vector<Attribute>& attributes) {
  const auto found = std::find_if(
      attributes.begin(), attributes.end(),
      [&plan](const Attribute& attribute) { return attribute.first == plan.mask_attribute; });
  if (found == attributes.end() || plan.levels.empty()) return std::vector<MaskLevel>();
  const std::string mask_path = NestedPath(path, plan.mask_attribute);
  Result<std::string> frame = UnpackNested(found->second);
  if (!frame.ok()) return frame.status().At(mask_path);
  return MakeMaskLevels(mask_path, std::move(*frame), plan.levels.size(), plan.halving.resampling,
                        plan.max_threads);
}

}  // namespace

struct B2zWriter::Level {
  Level(const std::string& path, std::shared_ptr<WritableFile> file)
      : output(path, std::move(file)) {}

  ScratchOutput output;
  std::unique_ptr<B2ndWriter> writer;
};

B2zWriter::B2zWriter(OutputFile& file, const B2zAttributes& attributes)
    : path_(file.path()), zip_(file), group_attributes_(attributes.group) {}
B2zWriter::~B2zWriter() = default;

Result<std::unique_ptr<B2zWriter>> B2zWriter::Start(OutputFile& file, const B2zPlan& plan,
                                                    const B2zAttributes& attributes,
                                                    const ScratchCreator& create_scratch) {
  if (!file.CanRewrite()) {
    return Mismatch(
               StatusCode::kNotSupported, "file system", "one that only appends",
               "one where headers can be completed later; write a local file, and copy it there")
        .At(file.path());
  }
  std::unique_ptr<B2zWriter> writer(new B2zWriter(file, attributes));
  Status status = writer->StartLevels(plan, attributes, create_scratch);
  if (!status.ok()) return status;
  Result<OutputFile*> member = writer->zip_.StartMember(LevelName(0), MaxFrameBytes(plan.layout));
  if (!member.ok()) return member.status();
  Result<std::unique_ptr<B2ndWriter>> image = B2ndWriter::Start(
      **member, plan.layout, plan.compression, attributes.image, plan.max_threads);
  if (!image.ok()) return image.status();
  writer->image_ = std::move(*image);
  return writer;
}

Status B2zWriter::StartLevels(const B2zPlan& plan, const B2zAttributes& attributes,
                              const ScratchCreator& create_scratch) {
  Result<std::vector<MaskLevel>> masks = MasksOf(path_, plan, attributes.image);
  if (!masks.ok()) return masks.status();
  const bool respects_masks = !masks->empty() && plan.halving.resampling != Resampling::kNearest;
  std::vector<Pyramid::Level> levels;
  for (size_t i = 0; i < plan.levels.size(); ++i) {
    Result<std::shared_ptr<WritableFile>> scratch = create_scratch();
    if (!scratch.ok()) return scratch.status();
    std::vector<Attribute> own = attributes.levels[i];
    if (!masks->empty()) {
      own.emplace_back(plan.mask_attribute, PackNested(std::move((*masks)[i + 1].frame)));
    }
    levels_.push_back(std::make_unique<Level>(path_, std::move(*scratch)));
    Result<std::unique_ptr<B2ndWriter>> writer = B2ndWriter::Start(
        levels_.back()->output, plan.levels[i], plan.compression, own, plan.max_threads);
    if (!writer.ok()) return writer.status();
    levels_.back()->writer = std::move(*writer);
    levels.push_back({plan.levels[i], levels_.back()->writer.get(),
                      respects_masks ? (*masks)[i].array : nullptr});
  }
  pyramid_.emplace(plan.halving, std::move(levels), plan.max_threads);
  return {};
}

Status B2zWriter::Write(const Box& box, const ConstStridedView& from) {
  // Levels first: their chunks are compressed while those of the image are.
  const Status status = pyramid_->Add(box, from);
  return status.ok() ? image_->Write(box, from) : status;
}

Status B2zWriter::Finish() {
  Status status = pyramid_->Finish();
  if (status.ok()) status = image_->Finish();
  if (status.ok()) status = zip_.FinishMember();
  for (size_t i = 0; i < levels_.size() && status.ok(); ++i) {
    status = levels_[i]->writer->Finish();
    const ScratchOutput& output = levels_[i]->output;
    if (status.ok()) {
      status = zip_.AddRange(LevelName(i + 1), output.file(), 0, output.size_bytes());
    }
    levels_[i].reset();  // what it took on the disk is free
  }
  if (!status.ok()) return status;
  const Result<std::string> group = MakeAttributeFrame({}, group_attributes_);
  if (!group.ok()) return group.status().At(path_);
  const Result<std::string> embedded =
      MakeAttributeFrame(kTreeMetalayer, {kNothingEmbedded}, kEmbedChunkBytes);
  if (!embedded.ok()) return embedded.status().At(path_);
  status = zip_.Add("__vlmeta__.b2f", *group);
  if (status.ok()) status = zip_.Add("embed.b2e", *embedded);
  return status.ok() ? zip_.Finish() : status;
}

}  // namespace ndarray
