// The attributes of a .b2nd file, which are the vlmetalayers of its frame: names are known once it
// is open, values are read when they are asked for.
//
// Contents are as the file has them: Blosc chunks of msgpack.
#ifndef GDAL_NDARRAY_STORE_FRAME_FRAME_ATTRIBUTES_H_
#define GDAL_NDARRAY_STORE_FRAME_FRAME_ATTRIBUTES_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "driver/store/attributes.h"
#include "driver/store/blosc2/blosc_codec.h"
#include "driver/store/blosc2/frame_trailer.h"
#include "driver/store/io/byte_file.h"
#include "driver/store/status.h"

namespace ndarray {

// No value is read that claims more.
constexpr int64_t kMaxAttributeBytes = int64_t{64} << 20;

// What a trailer says, and its first bytes: those of small attributes. Never changes.
class FrameAttributes {
 public:
  FrameAttributes() = default;  // none

  // Reads the trailer's first 64 KiB, or as much as has all names. kCorrupt, without the path.
  // `verifies`: contents that are read later are compared with their checksums, where they have
  // any.
  static Result<FrameAttributes> Load(const ByteFile& file, uint64_t trailer_offset_bytes,
                                      uint64_t trailer_bytes, bool verifies);

  bool verifies() const { return verifies_; }

  // The trailer's checksum as it is (SumTrailer); absent where it is longer than what was read.
  std::optional<uint32_t> trailer_sum() const { return trailer_sum_; }

  const std::vector<AttributeInfo>& list() const { return list_; }

  // The number of the first one of that name, or list().size().
  size_t Find(std::string_view name) const;

  // Its content; `file` is the one it was loaded from. kCorrupt, without the path.
  Result<std::string> Content(const ByteFile& file, size_t number) const;

 private:
  std::string start_;
  bool verifies_ = true;
  std::optional<uint32_t> trailer_sum_;
  uint64_t trailer_offset_bytes_ = 0;
  uint64_t trailer_bytes_ = 0;
  std::vector<AttributeInfo> list_;
  std::vector<uint64_t>
      offsets_bytes_;  // of contents, without their headers, from the trailer's start
};

// The value that a content holds, compared with its checksums if wanted. kNotSupported where it
// claims more than `max_bytes`.
Result<std::string> DecodeAttribute(const BloscCodec& codec, std::string_view content,
                                    int64_t max_bytes, bool verifies);

// The content of an attribute. kInvalidArgument where name or value are longer than is read.
Result<std::string> EncodeAttribute(const std::string& name, const std::string& value);

// Attributes of a file that is read.
class FileAttributes final : public Attributes {
 public:
  // All must outlive it.
  FileAttributes(const ByteFile& file, const BloscCodec& codec, const FrameAttributes& attributes)
      : file_(file), codec_(codec), attributes_(attributes) {}

  std::vector<AttributeInfo> List() const override { return attributes_.list(); }
  Result<std::string> Read(const std::string& name, int64_t max_bytes) const override;

 private:
  const ByteFile& file_;
  const BloscCodec& codec_;
  const FrameAttributes& attributes_;
};

// Attributes of a file that is updated. Those that are left alone keep their contents, whatever
// these are. Of an attribute that several writers change, what was committed last counts.
class AttributeEditor final : public EditableAttributes {
 public:
  // All must outlive it.
  AttributeEditor(const ByteFile& file, const BloscCodec& codec, const FrameAttributes& attributes);

  std::vector<AttributeInfo> List() const override;
  Result<std::string> Read(const std::string& name, int64_t max_bytes) const override;
  Status Set(const std::string& name, const std::string& value) override;
  size_t max_count() const override { return kMaxAttributes; }
  void Remove(const std::string& name) override;

  // Whether Set or Remove has changed anything since the last call of MarkSaved.
  bool changed() const { return !edits_.empty(); }
  void MarkSaved() { edits_.clear(); }

  // The file's attributes are others by now; what Set and Remove have changed since the last call
  // of MarkSaved stays so. kNotSupported where these are too many together: nothing has changed.
  Status Rebase(const BloscCodec& codec, const FrameAttributes& attributes);

  // All of them, as the end of a frame. Errors carry the path.
  Result<std::string> Trailer() const;

 private:
  static constexpr size_t kNew = SIZE_MAX;
  struct Item {
    std::string name;
    size_t number;        // in the file, or kNew
    std::string content;  // of new ones
  };

  size_t Find(const std::string& name) const;  // items_.size() where there is none
  Result<std::string> Content(const Item& item) const;

  static std::vector<Item> ItemsOf(const FrameAttributes& attributes);

  const ByteFile& file_;
  const BloscCodec* codec_;
  const FrameAttributes* attributes_;
  std::vector<Item> items_;
  std::map<std::string, std::optional<std::string>>
      edits_;  // contents of attributes; none: removed
};

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_FRAME_FRAME_ATTRIBUTES_H_
