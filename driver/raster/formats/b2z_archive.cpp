#include "driver/raster/formats/b2z_archive.h"

#include <algorithm>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>
#include <vector>

#include "driver/raster/files/zip_file.h"
#include "driver/raster/gdal_error.h"
#include "driver/raster/metadata/joined_attributes.h"
#include "driver/store/archive/crc32.h"
#include "driver/store/archive/multiscales.h"
#include "driver/store/b2nd/b2nd_array.h"
#include "driver/store/damage.h"
#include "driver/store/frame/frame_open.h"
#include "driver/store/frame/plain_frame.h"
#include "driver/store/io/string_file.h"
#include "driver/store/msgpack.h"
#include "driver/store/text.h"

namespace ndarray {
namespace {

using nlohmann::json;

constexpr std::string_view kArraySuffix = ".b2nd";
constexpr std::string_view kAttributesSuffix = "/__vlmeta__";
constexpr std::string_view kFrameSuffix = ".b2f";
constexpr const char* kEmbedded = "embed.b2e";
constexpr const char* kEmbeddedMap = "estore_metadata";
constexpr const char* kPyramid = "multiscales";

// Of a member that is read as a whole to know whether its shape is right.
constexpr uint64_t kMaxSummedBytes = uint64_t{256} << 20;

// Of a member that is no array, to be kept in memory.
constexpr uint64_t kMaxWholeBytes = uint64_t{4} << 20;

// Of a group, for its pyramid and its metadata.
constexpr int64_t kMaxValueBytes = int64_t{1} << 20;

bool EndsWith(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

std::string Without(std::string_view text, std::string_view end) {
  return std::string(text.substr(0, text.size() - end.size()));
}

// The group around an array or a group: "/a" of "/a/b", "" of "/a" and of "".
std::string GroupOf(const std::string& name) {
  const size_t slash = name.rfind('/');
  return slash == std::string::npos ? "" : name.substr(0, slash);
}

Result<json> ReadJson(const Attributes& attributes, const std::string& name) {
  const Result<std::string> packed = attributes.Read(name, kMaxValueBytes);
  if (!packed.ok()) return packed.status().At("attribute '" + name + "'");
  int64_t max_values = kMaxMsgpackValues;
  return ParseMsgpack(*packed, max_values);
}

bool Has(const Attributes& attributes, std::string_view name) {
  const std::vector<AttributeInfo> list = attributes.List();
  return std::any_of(list.begin(), list.end(),
                     [&](const AttributeInfo& info) { return info.name == name; });
}

// Attributes that are shown as metadata: not those that are for programs.
class ShownGroup final : public Attributes {
 public:
  explicit ShownGroup(std::shared_ptr<const Attributes> all) : all_(std::move(all)) {}

  std::vector<AttributeInfo> List() const override {
    std::vector<AttributeInfo> list = all_->List();
    list.erase(std::remove_if(list.begin(), list.end(),
                              [](const AttributeInfo& info) { return info.name == kPyramid; }),
               list.end());
    return list;
  }
  Result<std::string> Read(const std::string& name, int64_t max_bytes) const override {
    return all_->Read(name, max_bytes);
  }

 private:
  const std::shared_ptr<const Attributes> all_;
};

// Where a leaf is: a member, or a range of what the embedded store holds.
struct Leaf {
  const ZipMember* member = nullptr;
  uint64_t offset_bytes = 0, size_bytes = 0;
};

class B2zArchive final : public ArrayArchive {
 public:
  B2zArchive(ZipFile zip, Verification verification)
      : zip_(std::move(zip)), verification_(verification) {
    for (const ZipMember& member : zip_.directory().members()) {
      if (member.name.empty() || !zip_.directory().IsFound(member)) continue;
      const std::string name = Utf8OfBytes(member.name);
      const std::string key = (name.front() == '/' ? "" : "/") + name;
      if (EndsWith(key, kArraySuffix)) AddMember(Without(key, kArraySuffix), member);
      if (EndsWith(key, kFrameSuffix)) AddGroup(Without(key, kFrameSuffix), {&member, 0, 0});
    }
  }

  // What is wrong with embedded leaves does not keep the others from being read.
  void Load() {
    if (const ZipMember* const member = zip_.directory().Find(kEmbedded)) {
      const Status status = LoadEmbedded(*member);
      if (!status.ok()) ReportWarning(status.message() + "; what it embeds is ignored");
    }
    for (const auto& [group, leaf] : groups_) LoadGroup(group, leaf);
  }

  const std::vector<std::string>& names() const override { return names_; }

  Result<ArchiveItem> Find(const std::string& name) const override {
    if (arrays_.count(name) != 0) return ItemOf(name);
    std::string group = name;
    while (!group.empty() && group.back() == '/') group.pop_back();
    const std::string below = group + "/";
    ArchiveItem item;
    std::set<std::string> of_pyramids;
    for (const auto& [top, levels] : pyramids_) {
      if (top != group && top.compare(0, below.size(), below) != 0) continue;
      of_pyramids.insert(levels.begin(), levels.end());
    }
    for (const std::string& array : names_) {
      if (array.compare(0, below.size(), below) != 0) continue;
      const auto pyramid =
          std::find_if(pyramids_.begin(), pyramids_.end(),
                       [&array](const auto& other) { return other.second.front() == array; });
      if (pyramid != pyramids_.end() || of_pyramids.count(array) == 0) {
        item.datasets.push_back(array);
      }
    }
    // What is left of a pyramid does not stand for it: it may be its smallest level.
    const bool is_rest =
        item.datasets.size() == 1 &&
        std::any_of(broken_pyramids_.begin(), broken_pyramids_.end(), [&](const std::string& top) {
          return item.datasets[0].compare(0, top.size() + 1, top + "/") == 0;
        });
    if (item.datasets.size() == 1 && !is_rest) return ItemOf(item.datasets[0]);
    if (!item.datasets.empty()) return item;
    if (group.empty()) {
      return Mismatch(StatusCode::kNotSupported, "members",
                      left_out().empty() ? "no .b2nd" : left_out().front(), "at least one .b2nd")
          .At(zip_.path());
    }
    return Mismatch(StatusCode::kNotFound, "array or group", "'" + Excerpt(name) + "'",
                    ListForPeople(names_))
        .At(zip_.path());
  }

  Result<std::shared_ptr<ByteFile>> OpenFile(const std::string& name) const override {
    const auto found = arrays_.find(name);
    if (found == arrays_.end()) return Find(name).status();
    return OpenLeaf(name, found->second);
  }

  const ZipMember* MemberOf(const std::string& name) const override {
    const auto found = arrays_.find(name);
    return found == arrays_.end() ? nullptr : found->second.member;
  }

  Result<std::shared_ptr<Array>> Open(const std::string& name, int max_threads) const override {
    Result<std::shared_ptr<ByteFile>> file = OpenFile(name);
    if (!file.ok()) return file.status();
    Result<std::shared_ptr<Array>> array = OpenB2ndArray(*file, max_threads, verification_);
    if (!array.ok()) return array;
    const Status status = CheckShape(name, *file);
    return status.ok() ? array : status;
  }

  std::shared_ptr<const Attributes> GroupAttributes(const std::string& name) const override {
    std::vector<std::shared_ptr<const Attributes>> lists;
    for (std::string group = arrays_.count(name) != 0 ? GroupOf(name) : name;;
         group = GroupOf(group)) {
      const auto found = attributes_.find(group);
      if (found != attributes_.end()) {
        lists.push_back(std::make_shared<ShownGroup>(found->second));
      }
      if (group.empty()) break;
    }
    if (lists.empty()) return nullptr;
    return std::make_shared<JoinedAttributes>(std::move(lists));
  }

 private:
  // A shape that is not the one that was written has been changed by python-blosc2, which writes
  // the archive anew then, with another CRC-32, or is damaged. Then all of the member is read, but
  // no more than takes a moment.
  Status CheckShape(const std::string& name, const std::shared_ptr<ByteFile>& file) const {
    const ZipMember* const member = MemberOf(name);
    if (member == nullptr || !zip_.is_local() || verification_ != Verification::kAll) return {};
    const Result<OpenedFrame> frame = OpenFrame(file);  // which is open already
    if (!frame.ok()) return frame.status();
    const FrameIndex& index = *frame->index;
    if (!index.fingerprint() || index.is_shape_right()) return {};
    const std::string shape = ShapeString(index.layout().shape);
    if (file->size_bytes() > kMaxSummedBytes) {
      ReportWarning(file->path() + ": shape: found " + shape +
                    ", wanted the one that was written: it was changed since, or is damaged "
                    "(gdal_ndarray verify finds out)");
      return {};
    }
    const Result<uint32_t> sum = Crc32Of(*file);
    if (!sum.ok()) return sum.status();
    if (*sum == member->crc32) return {};
    return DamagedFile(
        Corrupt("shape", shape, "the one that was written (and the CRC-32 is wrong)"), file->path(),
        kCopyAgain);
  }

  void AddMember(std::string name, const ZipMember& member) {
    if (name.back() == '/') return NoteLeftOut(member.name, "without a name");
    NoteLeftOut(name, WhyUnreadable(member));
    AddArray(std::move(name), {&member, 0, 0});
  }

  void AddArray(std::string name, const Leaf& leaf) {
    if (arrays_.emplace(name, leaf).second) names_.push_back(std::move(name));
  }
  void AddGroup(const std::string& name, const Leaf& leaf) {
    if (EndsWith(name, kAttributesSuffix)) groups_.emplace(Without(name, kAttributesSuffix), leaf);
  }

  // A member that is no array: what is short is compared with its CRC-32 at once.
  Result<std::shared_ptr<ByteFile>> OpenWhole(const ZipMember& member,
                                              const std::string& path) const {
    Result<std::shared_ptr<ByteFile>> file = zip_.OpenMember(member, path);
    if (!file.ok() || verification_ == Verification::kNo || member.size_bytes > kMaxWholeBytes) {
      return file;
    }
    std::string bytes;
    Status status = ReadBytes(**file, 0, member.size_bytes, bytes);
    if (status.ok()) status = CheckCrc32(Crc32(bytes.data(), bytes.size()), member.crc32);
    if (!status.ok()) return DamagedFile(status, path, kCopyAgain);
    return std::shared_ptr<ByteFile>(
        std::make_shared<StringFile>(path, std::move(bytes), Access::kRead));
  }

  Result<std::shared_ptr<ByteFile>> OpenLeaf(const std::string& name, const Leaf& leaf) const {
    const std::string path = zip_.path() + ":" + name;
    if (leaf.member != nullptr) return zip_.OpenMember(*leaf.member, path);
    Result<std::string> bytes = embedded_->ReadContent(leaf.offset_bytes, leaf.size_bytes);
    if (!bytes.ok()) return bytes.status();
    return std::shared_ptr<ByteFile>(
        std::make_shared<StringFile>(path, std::move(*bytes), Access::kRead));
  }

  Status LoadEmbedded(const ZipMember& member) {
    const std::string path = zip_.path() + ":" + kEmbedded;
    Result<std::shared_ptr<ByteFile>> file = OpenWhole(member, path);
    if (!file.ok()) return file.status();
    Result<std::shared_ptr<const PlainFrame>> frame = PlainFrame::Open(std::move(*file));
    if (!frame.ok()) return frame.status();
    embedded_ = std::move(*frame);
    if (!Has(*embedded_, kEmbeddedMap)) return {};
    const Result<json> value = ReadJson(*embedded_, kEmbeddedMap);
    if (!value.ok()) return value.status().At(path);
    const auto map = value->is_object() ? value->find("embed_map") : value->end();
    if (!value->is_object() || map == value->end() || !map->is_object()) {
      return Corrupt("embed_map", "another value", "a map").At(path);
    }
    for (const auto& [key, place] : map->items()) {
      // Others are on a server.
      if (!place.is_object() || !place.contains("offset") || !place.contains("length")) continue;
      if (!place["offset"].is_number_unsigned() || !place["length"].is_number_unsigned()) {
        return Corrupt("place of '" + Excerpt(key) + "'", "another value", "two numbers").At(path);
      }
      const Leaf leaf{nullptr, place["offset"].get<uint64_t>(), place["length"].get<uint64_t>()};
      if (EndsWith(key, kAttributesSuffix)) {
        AddGroup(key, leaf);
      } else {
        AddArray(key, leaf);
      }
    }
    return {};
  }

  void LoadGroup(const std::string& group, const Leaf& leaf) {
    const std::string where = group.empty() ? "/" : group;
    const std::string name = group + std::string(kAttributesSuffix);
    Result<std::shared_ptr<ByteFile>> file = leaf.member != nullptr
                                                 ? OpenWhole(*leaf.member, zip_.path() + ":" + name)
                                                 : OpenLeaf(name, leaf);
    Result<std::shared_ptr<const PlainFrame>> frame =
        file.ok() ? PlainFrame::Open(std::move(*file)) : file.status();
    if (!frame.ok()) {
      ReportWarning(frame.status().message() + "; the attributes of the group are ignored");
      return;
    }
    attributes_[group] = *frame;
    if (!Has(**frame, kPyramid)) return;
    const Result<json> value = ReadJson(**frame, kPyramid);
    Result<std::vector<std::string>> levels =
        value.ok()
            ? PyramidLevels(
                  *value, [&](const std::string& asset) { return FindAsset(group + "/" + asset); })
            : value.status();
    if (levels.ok()) {
      pyramids_[group] = std::move(*levels);
    } else {
      broken_pyramids_.insert(group);
      ReportWarning(zip_.path() + ":" + where + ": " + kPyramid + ": " + levels.status().message() +
                    "; its arrays are datasets of their own");
    }
  }

  // An array, or the only one of a group.
  std::string FindAsset(const std::string& name) const {
    if (arrays_.count(name) != 0) return name;
    const std::string below = name + "/";
    const auto first = arrays_.lower_bound(below);
    if (first == arrays_.end() || first->first.compare(0, below.size(), below) != 0) return "";
    const auto next = std::next(first);
    const bool only = next == arrays_.end() || next->first.compare(0, below.size(), below) != 0;
    return only ? first->first : "";
  }

  // An array; with what is coarser, where it is the finest of a pyramid.
  ArchiveItem ItemOf(const std::string& array) const {
    ArchiveItem item;
    item.array = array;
    for (const auto& [group, levels] : pyramids_) {
      if (levels.front() == array) item.coarser.assign(levels.begin() + 1, levels.end());
    }
    return item;
  }

  const ZipFile zip_;
  const Verification verification_;
  std::shared_ptr<const PlainFrame> embedded_;
  std::map<std::string, Leaf> arrays_;  // of their names
  std::vector<std::string> names_;      // of arrays, in file order
  std::map<std::string, Leaf> groups_;  // that have attributes; "": the root
  std::map<std::string, std::shared_ptr<const Attributes>> attributes_;  // of these
  std::map<std::string, std::vector<std::string>> pyramids_;  // by group: arrays, the finest first
  std::set<std::string> broken_pyramids_;                     // groups
};

}  // namespace

Result<std::shared_ptr<ArrayArchive>> OpenB2z(const std::string& path, const MapPolicy& policy,
                                              Verification verification) {
  Result<ZipFile> zip = ZipFile::Open(path, policy);
  if (!zip.ok()) return zip.status();
  const auto archive = std::make_shared<B2zArchive>(std::move(*zip), verification);
  archive->Load();
  return std::shared_ptr<ArrayArchive>(archive);
}

}  // namespace ndarray
