#include "driver/store/archive/b2z_writer.h"

#include <utility>

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

// Of the work of writing an image with levels: these are copied behind it.
constexpr double kFinishShare = 0.1;

uint64_t BytesOf(const B2ndLayout& layout) {
  return static_cast<uint64_t>(layout.chunk_count) * static_cast<uint64_t>(layout.chunk_bytes);
}

std::string LevelName(size_t level) { return std::to_string(level) + ".b2nd"; }

// More than its frame can take.
uint64_t MaxFrameBytes(const B2ndLayout& layout) {
  const auto chunks = static_cast<uint64_t>(layout.chunk_count);
  return (chunks + 1) * (static_cast<uint64_t>(layout.chunk_bytes) * 17 / 16 + 4096) +
         (uint64_t{256} << 20);
}

}  // namespace

B2zWriter::B2zWriter(OutputFile& file, const B2zAttributes& attributes)
    : path_(file.path()), zip_(file), group_attributes_(attributes.group) {}

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
  Result<std::unique_ptr<LevelWriters>> levels = LevelWriters::Start(
      file.path(), plan.levels, attributes.image, attributes.levels, create_scratch);
  if (!levels.ok()) return levels.status();
  writer->levels_ = std::move(*levels);
  for (size_t i = 1; i <= plan.levels.layouts.size(); ++i) {
    writer->level_names_.push_back(LevelName(i));
  }
  Result<OutputFile*> member = writer->zip_.StartMember(LevelName(0), MaxFrameBytes(plan.layout));
  if (!member.ok()) return member.status();
  Result<std::unique_ptr<B2ndWriter>> image = B2ndWriter::Start(
      **member, plan.layout, plan.levels.compression, attributes.image, plan.levels.max_threads);
  if (!image.ok()) return image.status();
  writer->image_ = std::move(*image);
  writer->info_ = writer->image_->info();
  if (!plan.levels.layouts.empty()) writer->info_.finish_share = kFinishShare;
  for (const B2ndLayout& level : plan.levels.layouts) writer->max_levels_bytes_ += BytesOf(level);
  return writer;
}

Status B2zWriter::Write(const Box& box, const ConstStridedView& from) {
  // Levels first: their chunks are compressed while those of the image are.
  const Status status = levels_->Add(box, from);
  return status.ok() ? image_->Write(box, from) : status;
}

Status B2zWriter::Finish() {
  Status status = levels_->Wait();
  if (status.ok()) status = image_->Finish();
  if (status.ok()) status = zip_.FinishMember();
  zip_.ReportCopies(finish_progress(), max_levels_bytes_);
  if (status.ok()) status = levels_->CopyTo(zip_, level_names_);
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
