#include "tools/gdal_ndarray/convert/convert_array.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "driver/raster/axes.h"
#include "driver/raster/create/copy_pixels.h"
#include "driver/raster/create/new_array.h"
#include "driver/raster/files/dataset_name.h"
#include "driver/raster/formats/archive_open.h"
#include "driver/raster/gdal_error.h"
#include "driver/raster/threads.h"
#include "driver/store/box.h"
#include "driver/store/frame/frame_attributes.h"
#include "driver/store/text.h"
#include "tools/gdal_ndarray/command.h"
#include "tools/gdal_ndarray/convert/convert_options.h"
#include "tools/gdal_ndarray/write_file.h"

namespace ndarray::tools {
namespace {

// Turns each number of a record that was read in native byte order to the order of the file.
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
Status ReadRecords(const Array& array, int64_t record_bytes, const Box& box,
                   const StridedView& view) {
  const ArrayInfo& info = array.info();
  auto* const to = static_cast<std::byte*>(view.data);
  const int64_t count = ElementsIn(box);
  std::fill_n(to, count * record_bytes, std::byte{0});
  std::vector<ReadTarget> targets;
  for (size_t field = 0; field < info.fields.size(); ++field) {
    targets.push_back({field, box, {to + info.fields[field].offset_bytes, view.strides_bytes}});
  }
  Status status = array.Read(targets);
  if (!status.ok()) return status;
  for (int64_t i = 0; i < count; ++i) SwapBack(info, to + i * record_bytes);
  return {};
}

PixelSource SourceOf(const Array& array, int64_t element_bytes) {
  PixelSource source;
  source.path = array.path();
  source.unit = array.info().read_chunk;
  if (array.info().is_record) {
    source.read = [&array, element_bytes](const Box& box, const StridedView& to) {
      return ReadRecords(array, element_bytes, box, to);
    };
  } else {
    source.read = [&array](const Box& box, const StridedView& to) {
      return array.Read(0, box, to);
    };
  }
  return source;
}

std::vector<Attribute> AttributesOf(const Array& array) {
  std::vector<Attribute> attributes;
  if (array.attributes() == nullptr) return attributes;
  for (const AttributeInfo& info : array.attributes()->List()) {
    Result<std::string> value = array.attributes()->Read(info.name, kMaxAttributeBytes);
    if (value.ok()) {
      attributes.emplace_back(info.name, std::move(*value));
    } else {
      ReportWarning(array.path() + ": attribute '" + Excerpt(info.name) +
                    "': " + value.status().message() + "; it is not copied");
    }
  }
  return attributes;
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

void RefuseWhatDoesNotFit(const Array& array, const NewArray& plan, const ArrayFormat& format) {
  const auto refuse = [&](const std::string& found, int64_t max_count, const std::string& why) {
    throw Failure(array.path() + ": found " + found + ", wanted at most " +
                  std::to_string(max_count) + ", as " + why);
  };
  const std::string name = std::string("a .") + format.extension;
  if (plan.shape.size() > format.max_axes) {
    refuse(std::to_string(plan.shape.size()) + " axes", format.max_axes, name + " has");
  }
  if (plan.element_bytes() > format.max_element_bytes) {
    refuse("records of " + std::to_string(plan.element_bytes()) + " bytes",
           format.max_element_bytes, "are written to " + name);
  }
}

}  // namespace

std::optional<ManyAxes> FindArrayOfManyAxes(const std::string& path) {
  GDALDriverH const identified = GDALIdentifyDriver(path.c_str(), nullptr);
  if (identified == nullptr) return {};
  const ArrayFormat* const format = FindFormat(GDALGetDescription(identified));
  if (format == nullptr) return {};
  const Result<DatasetName> name = ParseDatasetName(path, format->driver);
  if (!name.ok() || !name->index.empty()) return {};
  Result<std::shared_ptr<Array>> array = OpenNamedArray(*format, *name, DefaultThreads());
  if (!array.ok() || (*array)->info().shape.size() <= kMaxRasterAxes) return {};
  ManyAxes found{format, std::move(*array), {}};
  if (found.array->info().is_record) {
    found.element = Value(format->read_element(Value(OpenNamedFile(*format, *name))));
  }
  return found;
}

void ConvertArray(const ManyAxes& source, const std::string& destination, const ArrayFormat& format,
                  const std::optional<Reading>& access, CPLStringList options,
                  const ProgressFn& progress) {
  const Array& array = *source.array;
  NewArray plan = PlanManyAxes(array.info(), destination);
  plan.max_threads = ThreadsFrom(options);
  if (array.info().is_record) plan.record = *source.element;
  RefuseWhatDoesNotFit(array, plan, format);
  plan.source_chunk = array.info().chunk;
  plan.source_block = array.info().block;
  if (access) {
    AddAccessOptions(*access, {plan.width, plan.height, plan.bands}, plan.element_bytes(), format,
                     false, options);
  }
  WriteFile(plan.path, PlanNew(format, plan, options.List()),
            format.keeps_metadata ? AttributesOf(array) : std::vector<Attribute>(),
            SourceOf(array, plan.element_bytes()), progress);
}

}  // namespace ndarray::tools
