#include "tools/convert_array.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "driver/raster/axes.h"
#include "driver/raster/dataset_name.h"
#include "driver/raster/gdal_error.h"
#include "driver/raster/new_array.h"
#include "driver/raster/npy_create.h"
#include "driver/raster/threads.h"
#include "driver/raster/vsi_file.h"
#include "driver/store/box.h"
#include "driver/store/npy_array.h"
#ifdef NDARRAY_HAS_B2ND
#include "driver/raster/b2nd_create.h"
#include "driver/store/frame_attributes.h"
#include "driver/store/frame_index.h"
#include "driver/store/text.h"
#endif
#include "tools/array_copy.h"
#include "tools/command.h"
#include "tools/convert_options.h"

namespace ndarray::tools {
namespace {

// Of a record that was read in native byte order, each number as it is in the file.
void SwapBack(const ArrayInfo& info, std::byte* record) {
  for (const Field& field : info.fields) {
    if (!field.dtype.swapped()) continue;
    const size_t unit = SwapUnitBytes(field.dtype.type);
    std::byte* const number = record + field.offset_bytes;
    for (size_t at = 0; at < field.dtype.size_bytes(); at += unit) {
      std::reverse(number + at, number + at + unit);
    }
  }
}

// Field by field: gaps between them become zeros.
Status ReadRecords(const Array& array, int64_t record_bytes, const Box& box, std::byte* to) {
  const ArrayInfo& info = array.info();
  const AxisVector strides = DenseStrides(box, record_bytes);
  const int64_t count = ElementsIn(box);
  std::fill_n(to, count * record_bytes, std::byte{0});
  std::vector<ReadTarget> targets;
  for (size_t field = 0; field < info.fields.size(); ++field) {
    targets.push_back({field, box, {to + info.fields[field].offset_bytes, strides}});
  }
  Status status = array.Read(targets);
  if (!status.ok()) return status;
  for (int64_t i = 0; i < count; ++i) SwapBack(info, to + i * record_bytes);
  return {};
}

ElementSource SourceOf(const Array& array, int64_t element_bytes) {
  ElementSource source;
  source.path = array.path();
  source.unit = array.info().granule;
  if (array.info().is_record) {
    source.read = [&array, element_bytes](const Box& box, std::byte* to, int /*max_threads*/) {
      return ReadRecords(array, element_bytes, box, to);
    };
  } else {
    source.read = [&array, element_bytes](const Box& box, std::byte* to, int /*max_threads*/) {
      return array.Read(0, box, {to, DenseStrides(box, element_bytes)});
    };
  }
  return source;
}

// What a file has besides elements.
struct FileFacts {
  ElementType record;         // if it has records
  AxisVector chunks, blocks;  // of a .b2nd
  std::vector<Attribute> attributes;
};

FileFacts FactsOf(const Array& array) {
  FileFacts facts;
  const std::shared_ptr<ByteFile> file = Value(OpenByteFile(array.path()));
  if (array.info().raw) {
    const NpyHeader header = Value(ReadNpyHeader(*file));
    facts.record = {header.fields, header.is_record, header.element_bytes, header.dtype_text,
                    header.record_text};
    return facts;
  }
#ifdef NDARRAY_HAS_B2ND
  const std::shared_ptr<const FrameIndex> index = Value(FrameIndex::Open(*file));
  facts.record = index->layout().element;
  facts.chunks = index->layout().chunk_shape;
  facts.blocks = index->layout().block_shape;
  for (const AttributeInfo& info : array.attributes()->List()) {
    Result<std::string> value = array.attributes()->Read(info.name, kMaxAttributeBytes);
    if (value.ok()) {
      facts.attributes.emplace_back(info.name, std::move(*value));
    } else {
      ReportWarning(array.path() + ": attribute '" + Excerpt(info.name) +
                    "': " + value.status().message() + "; it is not copied");
    }
  }
#endif
  return facts;
}

// Its last three axes are those that GDAL shows of its parts.
NewArray PlanManyAxes(const ArrayInfo& info, const std::string& path) {
  NewArray plan;
  plan.path = path;
  plan.shape = info.shape;
  plan.dtype = {info.fields[0].dtype.type, kNativeOrder};
  plan.type = ToBandType(plan.dtype.type);
  const int leading = info.shape.size() - kMaxRasterAxes;
  const Result<Axes> last = ChooseAxes(info.shape, AxisVector(leading, 0), "");
  const bool bands_last = last.ok() && last->name == "YXB";
  plan.axes = std::string(static_cast<size_t>(leading), kPlanes) + (bands_last ? "YXB" : "PYX");
  plan.axes[0] = kPlanes;
  const auto count = [&](char letter) {
    const auto axis = static_cast<int>(plan.axes.find(letter));
    return static_cast<int>(std::min<int64_t>(info.shape[axis], INT32_MAX));
  };
  plan.width = count('X');
  plan.height = count('Y');
  plan.bands = bands_last ? count('B') : 1;
  return plan;
}

#ifdef NDARRAY_HAS_B2ND

bool SaysShapes(const CPLStringList& options) {
  constexpr std::array kNames = {"BLOCKXSIZE", "BLOCKYSIZE", "CHUNKXSIZE", "CHUNKYSIZE"};
  return std::any_of(kNames.begin(), kNames.end(),
                     [&](const char* name) { return options.FetchNameValue(name) != nullptr; });
}

// What is large is no number, and c-blosc2 takes it for bytes.
constexpr int64_t kMostRecordBytes = 255;

void ConvertToB2nd(const Array& array, const NewArray& plan, const FileFacts& facts,
                   const std::optional<Reading>& access, CPLStringList options,
                   GDALProgressFunc progress) {
  if (plan.shape.size() > kMaxB2ndAxes) {
    throw Failure(array.path() + ": found " + std::to_string(plan.shape.size()) +
                  " axes, wanted at most " + std::to_string(kMaxB2ndAxes) + ", as a .b2nd has");
  }
  if (plan.element_bytes() > kMostRecordBytes) {
    throw Failure(array.path() + ": found records of " + std::to_string(plan.element_bytes()) +
                  " bytes, wanted at most " + std::to_string(kMostRecordBytes) +
                  ", as are written to a .b2nd");
  }
  const bool says_shapes = access || SaysShapes(options);
  if (access) {
    const ImageSize size{plan.width, plan.height, plan.bands, plan.element_bytes()};
    AddAccessOptions(*access, size, true, false, options);
  }
  B2ndPlan planned = PlanNewB2nd(plan, options.List());
  if (!facts.chunks.empty() && !says_shapes) {
    Result<B2ndLayout> same =
        MakeB2ndLayout(plan.element(), plan.shape, facts.chunks, facts.blocks);
    if (same.ok()) planned.layout = std::move(*same);
  }
  WriteB2nd(SourceOf(array, plan.element_bytes()), plan.path, planned, facts.attributes, progress);
}

#endif

}  // namespace

std::shared_ptr<Array> FindArrayOfManyAxes(const std::string& path) {
  GDALDriverH const identified = GDALIdentifyDriver(path.c_str(), nullptr);
  if (identified == nullptr) return nullptr;
  const std::string driver = GDALGetDescription(identified);
  if (HasDriverPrefix(path.c_str(), driver)) return nullptr;
  const int max_threads = DefaultThreads();
  std::shared_ptr<Array> array;
  const auto keep = [&](Result<std::shared_ptr<Array>> opened) {
    if (opened.ok() && (*opened)->info().shape.size() > kMaxRasterAxes) array = std::move(*opened);
  };
  if (driver == kNpyDriverName) keep(OpenNpyPath(path, Access::kRead, max_threads));
#ifdef NDARRAY_HAS_B2ND
  if (driver == kB2ndDriverName) keep(OpenB2ndPath(path, Access::kRead, max_threads));
#endif
  return array;
}

void ConvertArray(const Array& array, const std::string& destination, [[maybe_unused]] bool to_b2nd,
                  [[maybe_unused]] const std::optional<Reading>& access, CPLStringList options,
                  GDALProgressFunc progress) {
  const FileFacts facts = FactsOf(array);
  NewArray plan = PlanManyAxes(array.info(), destination);
  plan.max_threads = ThreadsFrom(options);
  if (array.info().is_record) plan.record = facts.record;
#ifdef NDARRAY_HAS_B2ND
  if (to_b2nd) return ConvertToB2nd(array, plan, facts, access, std::move(options), progress);
#endif
  WriteNpy(SourceOf(array, plan.element_bytes()),
           {plan.path, plan.element(), plan.shape, plan.max_threads}, progress);
}

}  // namespace ndarray::tools
