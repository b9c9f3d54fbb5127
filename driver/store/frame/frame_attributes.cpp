#include "driver/store/frame/frame_attributes.h"

#include <algorithm>
#include <utility>

#include "driver/store/blosc2/blosc_chunk.h"
#include "driver/store/blosc2/chunk_checks.h"
#include "driver/store/buffer.h"
#include "driver/store/frame/frame_fingerprint.h"
#include "driver/store/text.h"

namespace ndarray {
namespace {

// What is longer stays in the file until somebody asks for it.
constexpr uint64_t kStartBytes = uint64_t{64} << 10;

std::string Named(std::string_view name) { return "attribute '" + Excerpt(name) + "'"; }

Status NotFound() { return Status(StatusCode::kNotFound, "not there"); }

}  // namespace

Result<FrameAttributes> FrameAttributes::Load(const ByteFile& file, uint64_t trailer_offset_bytes,
                                              uint64_t trailer_bytes, bool verifies) {
  FrameAttributes attributes;
  attributes.verifies_ = verifies;
  attributes.trailer_offset_bytes_ = trailer_offset_bytes;
  attributes.trailer_bytes_ = trailer_bytes;
  std::string& start = attributes.start_;
  Status status =
      ReadBytes(file, trailer_offset_bytes, std::min(trailer_bytes, kStartBytes), start);
  if (!status.ok()) return status;
  if (start.size() == trailer_bytes) attributes.trailer_sum_ = SumTrailer(start);
  Result<uint64_t> names_bytes = FrameTrailerNamesBytes(start);
  if (!names_bytes.ok()) return names_bytes.status();
  if (*names_bytes > start.size() && start.size() < trailer_bytes) {
    status = ReadBytes(file, trailer_offset_bytes, std::min(trailer_bytes, *names_bytes), start);
    if (!status.ok()) return status;
  }
  Result<std::vector<TrailerEntry>> entries = ParseFrameTrailer(start);
  if (!entries.ok()) return entries.status();
  // Contents lie one after another: each ends where the next one begins, or where the trailer's own
  // length is. Whoever reads one looks at its header.
  std::vector<uint64_t> ends = {trailer_bytes -
                                std::min<uint64_t>(trailer_bytes, kFrameTrailerMinBytes - 2)};
  for (const TrailerEntry& entry : *entries) ends.push_back(entry.offset_bytes);
  std::sort(ends.begin(), ends.end());
  for (const TrailerEntry& entry : *entries) {
    const auto next = std::upper_bound(ends.begin(), ends.end(), entry.offset_bytes);
    const uint64_t end = next == ends.end() ? 0 : *next;
    const uint64_t at = entry.offset_bytes + kContentHeaderBytes;
    attributes.list_.push_back({entry.name, end - std::min(end, at)});
    attributes.offsets_bytes_.push_back(at);
  }
  return attributes;
}

size_t FrameAttributes::Find(std::string_view name) const {
  const auto found = std::find_if(list_.begin(), list_.end(),
                                  [&](const AttributeInfo& info) { return info.name == name; });
  return static_cast<size_t>(found - list_.begin());
}

Result<std::string> FrameAttributes::Content(const ByteFile& file, size_t number) const {
  const uint64_t at = offsets_bytes_[number];
  const uint64_t available = list_[number].size_bytes;
  const uint64_t header_at = at - kContentHeaderBytes;
  if (at > trailer_bytes_) {
    return Mismatch(StatusCode::kCorrupt, "content", "one at byte " + std::to_string(header_at),
                    "one within the " + std::to_string(trailer_bytes_) + " bytes of the trailer");
  }
  std::string header;
  if (at <= start_.size()) {
    header = start_.substr(header_at, kContentHeaderBytes);
  } else {
    Status status = ReadBytes(file, trailer_offset_bytes_ + header_at, kContentHeaderBytes, header);
    if (!status.ok()) return status;
  }
  Result<uint64_t> size_bytes = ContentBytes(header);
  if (!size_bytes.ok()) return size_bytes.status();
  if (*size_bytes > available) {
    return Mismatch(StatusCode::kCorrupt, "content", std::to_string(*size_bytes) + " bytes",
                    "at most " + std::to_string(available));
  }
  if (at <= start_.size() && *size_bytes <= start_.size() - at)
    return start_.substr(at, *size_bytes);
  std::string content;
  Status status = ReadBytes(file, trailer_offset_bytes_ + at, *size_bytes, content);
  if (!status.ok()) return status;
  return content;
}

Result<std::string> DecodeAttribute(const BloscCodec& codec, std::string_view content,
                                    int64_t max_bytes, bool verifies) {
  Result<BloscChunk> chunk = ParseChunkHeader(content, content.size());
  if (!chunk.ok()) return chunk.status();
  Status status = BloscCodec::CheckSupported(*chunk);
  if (!status.ok()) return status;
  content = content.substr(0, static_cast<size_t>(chunk->compressed_bytes));
  if (verifies) {
    const Result<bool> has_checks = CheckDirectory(*chunk, content);
    if (!has_checks.ok()) return has_checks.status();
    if (*has_checks && chunk->kind == ChunkKind::kBlocks) status = CheckBlocks(*chunk, content);
    if (!status.ok()) return status;
  }
  if (chunk->uncompressed_bytes > max_bytes) {
    return Mismatch(StatusCode::kNotSupported, "size", std::to_string(chunk->uncompressed_bytes),
                    "at most " + std::to_string(max_bytes));
  }
  Buffer value(static_cast<size_t>(chunk->uncompressed_bytes));
  status = codec.DecodeChunk(content, *chunk, value.data());
  if (!status.ok()) return status;
  return std::string(reinterpret_cast<const char*>(value.data()), value.size_bytes());
}

Result<std::string> EncodeAttribute(const std::string& name, const std::string& value) {
  if (name.empty() || name.size() > kMaxAttributeNameBytes) {
    return Mismatch(StatusCode::kInvalidArgument, "attribute name", Excerpt(name),
                    "1 to " + std::to_string(kMaxAttributeNameBytes) + " bytes");
  }
  if (static_cast<int64_t>(value.size()) > kMaxAttributeBytes) {
    return Mismatch(StatusCode::kInvalidArgument, Named(name), std::to_string(value.size()),
                    "at most " + std::to_string(kMaxAttributeBytes) + " bytes");
  }
  Result<std::string> content = BloscEncoder::EncodeAttribute(value);
  return content.ok() ? content : content.status().At(Named(name));
}

Result<std::string> FileAttributes::Read(const std::string& name, int64_t max_bytes) const {
  const size_t number = attributes_.Find(name);
  if (number == attributes_.list().size()) return NotFound();
  Result<std::string> content = attributes_.Content(file_, number);
  if (!content.ok()) return content.status();
  return DecodeAttribute(codec_, *content, std::min(max_bytes, kMaxAttributeBytes),
                         attributes_.verifies());
}

std::vector<AttributeEditor::Item> AttributeEditor::ItemsOf(const FrameAttributes& attributes) {
  std::vector<Item> items;
  for (size_t i = 0; i < attributes.list().size(); ++i) {
    items.push_back({attributes.list()[i].name, i, ""});
  }
  return items;
}

AttributeEditor::AttributeEditor(const ByteFile& file, const BloscCodec& codec,
                                 const FrameAttributes& attributes)
    : file_(file), codec_(&codec), attributes_(&attributes), items_(ItemsOf(attributes)) {}

Status AttributeEditor::Rebase(const BloscCodec& codec, const FrameAttributes& attributes) {
  std::vector<Item> items = ItemsOf(attributes);
  for (const auto& [name, content] : edits_) {
    const auto found = std::find_if(items.begin(), items.end(), [&wanted = name](const Item& item) {
      return item.name == wanted;
    });
    if (!content) {
      if (found != items.end()) items.erase(found);
    } else if (found != items.end()) {
      *found = {name, kNew, *content};
    } else {
      items.push_back({name, kNew, *content});
    }
  }
  if (items.size() > kMaxAttributes) {
    return Mismatch(StatusCode::kNotSupported, "attributes",
                    std::to_string(items.size()) + ", with those that others have added meanwhile",
                    "at most " + std::to_string(kMaxAttributes))
        .At(file_.path());
  }
  codec_ = &codec;
  attributes_ = &attributes;
  items_ = std::move(items);
  return {};
}

std::vector<AttributeInfo> AttributeEditor::List() const {
  std::vector<AttributeInfo> list;
  for (const Item& item : items_) {
    list.push_back({item.name, item.number == kNew ? item.content.size()
                                                   : attributes_->list()[item.number].size_bytes});
  }
  return list;
}

size_t AttributeEditor::Find(const std::string& name) const {
  const auto found = std::find_if(items_.begin(), items_.end(),
                                  [&](const Item& item) { return item.name == name; });
  return static_cast<size_t>(found - items_.begin());
}

Result<std::string> AttributeEditor::Content(const Item& item) const {
  return item.number == kNew ? item.content : attributes_->Content(file_, item.number);
}

Result<std::string> AttributeEditor::Read(const std::string& name, int64_t max_bytes) const {
  const size_t at = Find(name);
  if (at == items_.size()) return NotFound();
  Result<std::string> content = Content(items_[at]);
  if (!content.ok()) return content.status();
  return DecodeAttribute(*codec_, *content, std::min(max_bytes, kMaxAttributeBytes),
                         attributes_->verifies());
}

Status AttributeEditor::Set(const std::string& name, const std::string& value) {
  const size_t at = Find(name);
  if (at < items_.size()) {
    const Result<std::string> old = Read(name, static_cast<int64_t>(value.size()));
    if (old.ok() && *old == value) return {};
  } else if (items_.size() >= kMaxAttributes) {
    return Mismatch(StatusCode::kNotSupported, Named(name), std::to_string(at) + " others",
                    "at most " + std::to_string(kMaxAttributes) + " attributes, as Blosc2 keeps")
        .At(file_.path());
  }
  Result<std::string> content = EncodeAttribute(name, value);
  if (!content.ok()) return content.status().At(file_.path());
  if (at == items_.size()) items_.push_back({name, kNew, ""});
  items_[at].number = kNew;
  edits_[name] = *content;
  items_[at].content = std::move(*content);
  return {};
}

void AttributeEditor::Remove(const std::string& name) {
  const size_t at = Find(name);
  if (at == items_.size()) return;
  items_.erase(items_.begin() + static_cast<std::ptrdiff_t>(at));
  edits_[name] = std::nullopt;
}

Result<std::string> AttributeEditor::Trailer() const {
  std::vector<std::pair<std::string, std::string>> contents;
  for (const Item& item : items_) {
    Result<std::string> content = Content(item);
    if (!content.ok()) return content.status().At(Named(item.name)).At(file_.path());
    contents.emplace_back(item.name, std::move(*content));
  }
  return FormatFrameTrailer(contents);
}

}  // namespace ndarray
