#include "driver/raster/create/b2z_overviews.h"

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "driver/raster/create/b2z_options.h"
#include "driver/raster/create/copy_pixels.h"
#include "driver/raster/create/overwrite.h"
#include "driver/raster/create/pixel_facts.h"
#include "driver/raster/files/vsi_file.h"
#include "driver/raster/files/zip_file.h"
#include "driver/raster/metadata/level_metadata.h"
#include "driver/store/archive/level_writers.h"
#include "driver/store/archive/multiscales.h"
#include "driver/store/archive/zip_writer.h"
#include "driver/store/blosc2/codecs.h"
#include "driver/store/frame/attribute_frame.h"
#include "driver/store/frame/frame_attributes.h"
#include "driver/store/frame/frame_open.h"
#include "driver/store/frame/plain_frame.h"
#include "driver/store/msgpack.h"

namespace ndarray {
namespace {

constexpr std::string_view kArraySuffix = ".b2nd";
constexpr const char* kMultiscales = "multiscales";
constexpr const char* kGroupSuffix = "__vlmeta__.b2f";
// Of the work: the levels are made, before all is copied.
constexpr double kLevelsShare = 0.8;

// Gives the pixels of an image that stays as it is to its levels.
class LevelsOnly final : public ArrayWriter {
 public:
  LevelsOnly(LevelWriters& levels, const B2ndLayout& image, int max_threads) : levels_(levels) {
    info_.shape = image.shape;
    info_.piece_shape = image.chunk_shape;
    // Levels are made of even numbers of lines and pixels.
    for (int axis = 0; axis < info_.shape.size(); ++axis) {
      if (info_.piece_shape[axis] % 2 != 0) info_.piece_shape[axis] *= 2;
    }
    info_.element_bytes = image.element.element_bytes;
    info_.pieces_at_once = max_threads;
  }

  const WriterInfo& info() const override { return info_; }
  Status Write(const Box& box, const ConstStridedView& from) override {
    return levels_.Add(box, from);
  }
  Status Finish() override { return levels_.Wait(); }

 private:
  LevelWriters& levels_;
  WriterInfo info_;
};

// "scene/0" of "/scene/0"; its group "scene/", its own name "0".
struct MemberName {
  explicit MemberName(const std::string& array)
      : member(array.substr(!array.empty() && array.front() == '/' ? 1 : 0) +
               std::string(kArraySuffix)) {
    const size_t slash = member.rfind('/');
    group = slash == std::string::npos ? "" : member.substr(0, slash + 1);
    own = member.substr(group.size(), member.size() - group.size() - kArraySuffix.size());
  }
  std::string member, group, own;
};

class Rewriter {
 public:
  Rewriter(const ArrayDataset& raster, const OverviewsRequest& request, ZipFile zip)
      : raster_(raster), request_(request), zip_(std::move(zip)), image_(request.array) {}

  Status Run(const ProgressFn& progress) {
    Status status = CheckRaster();
    if (status.ok()) status = FindMembers();
    if (status.ok()) status = CheckPyramid();
    if (status.ok()) status = PlanAll();
    if (status.ok()) status = CheckMayUpdate(request_.path);
    if (status.ok()) status = CheckFreeSpace(request_.path, MaxBytes());
    if (!status.ok()) return status;
    Result<std::unique_ptr<OutputFile>> file = CreateOutputFile(request_.path);
    if (!file.ok()) return file.status();
    if (!(*file)->CanRewrite()) return NotSupported("file system", "one that only appends");
    status = Write(**file, progress);
    // Sidecars are those of the same pixels: they stay.
    return status.ok() ? (*file)->Commit() : status;
  }

 private:
  Status NotSupported(const std::string& field, const std::string& found) const {
    return Mismatch(
               StatusCode::kNotSupported, field, found,
               "a whole image whose archive can be written anew; gdal_ndarray convert makes one")
        .At(request_.path);
  }

  Status CheckRaster() const {
    const ArrayInfo& info = raster_.io().array().info();
    if (info.is_record) return NotSupported("elements", "records");
    if (!raster_.io().axes().index.empty()) return NotSupported("image", "a part of an array");
    for (const int factor : request_.factors) {
      if (factor >= 2 && (factor & (factor - 1)) == 0) continue;
      return Mismatch(StatusCode::kInvalidArgument, "overview level", std::to_string(factor),
                      "2, 4, 8 or another power of two")
          .At(request_.path);
    }
    return {};
  }

  // What stays as it is, the image first.
  Status FindMembers() {
    const ZipDirectory& directory = zip_.directory();
    if (const uint64_t others = directory.bytes_before() + directory.bytes_after(); others > 0) {
      return NotSupported("bytes before the archive, or after it", std::to_string(others));
    }
    std::set<std::string> gone = {image_.group + kGroupSuffix};
    for (const std::string& name : request_.coarser) gone.insert(MemberName(name).member);
    for (const ZipMember& member : directory.members()) {
      if (!directory.IsFound(member)) continue;  // a later one has its name
      const bool is_group = member.name == image_.group + kGroupSuffix;
      if (gone.count(member.name) != 0 && !is_group) continue;
      if (member.is_encrypted || member.method != zip_method::kStored) {
        return NotSupported("member " + member.name, "a compressed one");
      }
      Result<std::shared_ptr<ByteFile>> file =
          zip_.OpenMember(member, request_.path + ":" + member.name);
      if (!file.ok()) return file.status();
      if (is_group) {
        group_ = std::move(*file);
      } else {
        const bool first = member.name == image_.member;
        kept_.insert(first ? kept_.begin() : kept_.end(), {member.name, std::move(*file)});
      }
    }
    if (!kept_.empty() && kept_[0].name == image_.member) return {};
    return NotSupported("image", "one in embed.b2e");
  }

  // A group describes one pyramid: that of another array is not given up for this one's.
  Status CheckPyramid() const {
    if (group_ == nullptr || !request_.coarser.empty()) return {};
    const Result<std::shared_ptr<const PlainFrame>> frame = PlainFrame::Open(group_);
    if (!frame.ok()) return frame.status();
    const Result<std::string> packed = (*frame)->Read(kMultiscales, kMaxAttributeBytes);
    if (!packed.ok()) return {};  // none
    int64_t max_values = kMaxMsgpackValues;
    const Result<nlohmann::json> value = ParseMsgpack(*packed, max_values);
    if (!value.ok()) return {};
    const Result<std::vector<std::string>> levels =
        PyramidLevels(*value, [](const std::string& asset) { return asset; });
    if (!levels.ok() || levels->front() == image_.own) return {};
    return Mismatch(StatusCode::kNotSupported, "image", request_.array,
                    "/" + image_.group + levels->front() + ", whose overviews its group describes")
        .At(request_.path);
  }

  Status PlanAll() {
    const int last = request_.factors.empty()
                         ? 1
                         : *std::max_element(request_.factors.begin(), request_.factors.end());
    size_t count = 0;
    while (1 << count < last) ++count;
    for (size_t i = 1; i <= count; ++i) {
      const bool wanted = std::count(request_.factors.begin(), request_.factors.end(), 1 << i) != 0;
      const std::string name =
          image_.group + LevelAsset(image_.own, static_cast<int>(i)) + std::string(kArraySuffix);
      names_.push_back(wanted ? name : "");
      if (wanted) factors_.push_back(1 << i);
      const bool taken = std::any_of(kept_.begin(), kept_.end(),
                                     [&name](const Kept& kept) { return kept.name == name; });
      if (wanted && taken) return NotSupported("member " + name, "an array that is no level");
    }
    Result<OpenedFrame> frame = OpenFrame(kept_[0].file);
    if (!frame.ok()) return frame.status();
    const FrameIndex& index = *frame->index;
    const FrameSummary& summary = index.summary();
    image_plan_.layout = index.layout();
    image_plan_.compression = {summary.compressor, summary.level, summary.pipeline,
                               summary.auto_group_bytes, !index.has_no_checksums()};
    const CodecRow* const codec = FindWritableCodec(summary.compressor);
    if (codec == nullptr) return NotSupported("codec", "one that is only read");
    image_plan_.side_of_bytes = codec->side_of_bytes;
    image_plan_.max_threads = raster_.max_threads();
    Result<LevelsPlan> levels = PlanLevels(Image(), image_plan_, request_.method, count);
    if (!levels.ok()) return levels.status();
    levels_ = std::move(*levels);
    return {};
  }

  NewArray Image() const {
    auto& dataset = const_cast<ArrayDataset&>(raster_);  // GDAL's getters are not const
    const ArrayInfo& info = raster_.io().array().info();
    NewArray image;
    image.path = request_.path;
    image.width = dataset.GetRasterXSize();
    image.height = dataset.GetRasterYSize();
    image.bands = dataset.GetRasterCount();
    image.dtype = {info.fields[0].dtype.type, kNativeOrder};
    image.type = ToBandType(image.dtype.type);
    image.axes = raster_.axes_name();
    image.shape = info.shape;
    image.max_threads = raster_.max_threads();
    image.nodata = NoDataElements(dataset, image.type);
    return image;
  }

  // Of the new file and the levels' files beside it.
  uint64_t MaxBytes() const {
    uint64_t bytes = 0;
    for (const Kept& kept : kept_) bytes += kept.file->size_bytes();
    return bytes + (request_.factors.empty() ? 0 : kept_[0].file->size_bytes() * 2 / 3);
  }

  std::vector<Attribute> ImageAttributes() const {
    std::vector<Attribute> all;
    const Attributes* const attributes = raster_.io().array().attributes();
    if (attributes == nullptr) return all;
    for (const AttributeInfo& info : attributes->List()) {
      Result<std::string> value = attributes->Read(info.name, kMaxAttributeBytes);
      if (value.ok()) all.emplace_back(info.name, std::move(*value));
    }
    return all;
  }

  // Those of the group that others have set, and what becomes of ours.
  Result<std::string> GroupFrame() const {
    std::vector<Attribute> all = PyramidAttributes(image_.own, factors_, MethodName(levels_));
    if (group_ != nullptr) {
      Result<std::shared_ptr<const PlainFrame>> frame = PlainFrame::Open(group_);
      if (!frame.ok()) return frame.status();
      for (const AttributeInfo& info : (*frame)->List()) {
        if (info.name == all[0].first) continue;
        Result<std::string> value = (*frame)->Read(info.name, kMaxAttributeBytes);
        if (!value.ok()) return value.status();
        if (info.name == all[1].first) {
          all[1].second = WithMultiscales(*value);
        } else {
          all.emplace_back(info.name, std::move(*value));
        }
      }
    }
    return MakeAttributeFrame({}, all);
  }

  Status Write(OutputFile& file, const ProgressFn& progress) {
    const std::vector<Attribute> attributes = ImageAttributes();
    std::vector<std::vector<Attribute>> of_levels;
    for (size_t i = 1; i <= names_.size(); ++i) {
      of_levels.push_back(LevelAttributes(attributes, 1 << i));
    }
    Result<std::unique_ptr<LevelWriters>> levels =
        LevelWriters::Start(request_.path, levels_, attributes, of_levels,
                            [this] { return CreateScratch(request_.path); });
    if (!levels.ok()) return levels.status();
    if (!names_.empty()) {
      const Array& array = raster_.io().array();
      PixelSource source;
      source.path = array.path();
      source.read = [&array](const Box& box, const StridedView& to) {
        return array.Read(0, box, to);
      };
      LevelsOnly writer(**levels, image_plan_.layout, image_plan_.max_threads);
      Status status = CopyPixels(source, writer, request_.path, PartOf(progress, 0, kLevelsShare));
      if (status.ok()) status = writer.Finish();
      if (!status.ok()) return status;
    }
    return WriteArchive(file, **levels, PartOf(progress, names_.empty() ? 0 : kLevelsShare, 1));
  }

  Status WriteArchive(OutputFile& file, LevelWriters& levels, const ProgressFn& progress) {
    const Result<std::string> group = GroupFrame();
    if (!group.ok()) return group.status().At(request_.path);
    ZipWriter zip(file);
    zip.ReportCopies(progress, MaxBytes());
    Status status = zip.AddRange(kept_[0].name, *kept_[0].file, 0, kept_[0].file->size_bytes());
    if (status.ok()) status = levels.CopyTo(zip, names_);
    const auto copy_others = [&](bool last) {
      for (size_t i = 1; i < kept_.size() && status.ok(); ++i) {
        if ((kept_[i].name == "embed.b2e") != last) continue;
        status = zip.AddRange(kept_[i].name, *kept_[i].file, 0, kept_[i].file->size_bytes());
      }
    };
    copy_others(false);
    if (status.ok()) status = zip.Add(image_.group + kGroupSuffix, *group);
    copy_others(true);
    return status.ok() ? zip.Finish() : status;
  }

  struct Kept {
    std::string name;
    std::shared_ptr<ByteFile> file;
  };

  const ArrayDataset& raster_;
  const OverviewsRequest& request_;
  const ZipFile zip_;
  const MemberName image_;
  std::vector<Kept> kept_;           // the image first
  std::shared_ptr<ByteFile> group_;  // attributes of its group; nullptr: none
  std::vector<std::string> names_;   // of levels; empty: only made for those after it
  std::vector<int> factors_;         // of those that have names
  B2ndPlan image_plan_;
  LevelsPlan levels_;
};

}  // namespace

Status RewriteOverviews(const ArrayDataset& raster, const OverviewsRequest& request,
                        const ProgressFn& progress) {
  Result<ZipFile> zip = ZipFile::Open(request.path, {});
  if (!zip.ok()) return zip.status();
  return Rewriter(raster, request, std::move(*zip)).Run(progress);
}

}  // namespace ndarray
