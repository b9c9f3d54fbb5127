#include "driver/raster/create/b2z_options.h"

#include <cpl_conv.h>
#include <cpl_string.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "driver/raster/create/b2nd_cut.h"
#include "driver/raster/reserved_names.h"
#include "driver/store/checked_math.h"

namespace ndarray {
namespace {

struct Method {
  const char* name;
  Resampling resampling;
};
constexpr Method kMethods[] = {{"AVERAGE", Resampling::kAverage},
                               {"NEAREST", Resampling::kNearest},
                               {"MODE", Resampling::kMode}};

Status BadOption(const NewArray& array, const char* name, const std::string& found,
                 const std::string& wanted) {
  return Mismatch(StatusCode::kInvalidArgument, name, found, wanted).At(array.path);
}

int AxisOf(const NewArray& array, char letter) {
  const size_t axis = array.axes.find(letter);
  return axis == std::string::npos ? -1 : static_cast<int>(axis);
}

Result<Resampling> ResamplingOf(const NewArray& array, StringList options) {
  const char* const otherwise = array.holds_names ? "NEAREST" : "AVERAGE";
  const CPLString asked = CPLString(CSLFetchNameValueDef(options, "RESAMPLING", otherwise));
  for (const Method& method : kMethods) {
    if (EQUAL(asked.c_str(), method.name)) return method.resampling;
  }
  return BadOption(array, "RESAMPLING", asked,
                   "AVERAGE, NEAREST or MODE, which need no pixels but those they replace; "
                   "gdaladdo makes others, in a .ovr beside a .b2nd");
}

// Of records and of more axes than GDAL shows there are none.
bool CanHaveLevels(const NewArray& array) {
  return !array.record.is_record && AxisOf(array, kPlanes) < 0 && AxisOf(array, 'X') >= 0;
}

Result<bool> WantsLevels(const NewArray& array, StringList options) {
  const char* const asked = CSLFetchNameValue(options, "OVERVIEWS");
  const bool can = CanHaveLevels(array);
  if (asked == nullptr) return can;
  if (EQUAL(asked, "NONE")) return false;
  if (EQUAL(asked, "AUTO") && can) return true;
  return BadOption(array, "OVERVIEWS", asked, can ? "AUTO or NONE" : "NONE for what is no raster");
}

// Whether a level can be made of whole chunks along an axis.
bool IsEven(int64_t chunk, int64_t size) { return chunk % 2 == 0 || chunk >= size; }

Status CheckChunks(const NewArray& array, const B2ndLayout& layout) {
  for (const char letter : {'X', 'Y'}) {
    const int axis = AxisOf(array, letter);
    if (axis < 0 || IsEven(layout.chunk_shape[axis], layout.shape[axis])) continue;
    return BadOption(array, letter == 'X' ? "CHUNKXSIZE" : "CHUNKYSIZE",
                     std::to_string(layout.chunk_shape[axis]),
                     "an even number, since overviews are made of chunks (or OVERVIEWS=NONE)");
  }
  return {};
}

// Lines become fewer, down to `max_lines`, and pixels more, along the axes of an image that go
// slower and faster through the file.
void Flatten(const NewArray& array, int64_t max_lines, B2ndCut& cut) {
  const int x = AxisOf(array, 'X');
  const int y = AxisOf(array, 'Y');
  if (y < 0) return;
  const int slow = std::min(x, y);
  const int fast = std::max(x, y);
  const int64_t width = RoundUp(array.shape[fast], cut.block[fast]);
  while (cut.chunk[slow] > max_lines && cut.chunk[fast] < width &&
         cut.chunk[slow] % (2 * cut.block[slow]) == 0 && cut.chunk[slow] % 4 == 0) {
    cut.chunk[slow] /= 2;
    cut.chunk[fast] = std::min(2 * cut.chunk[fast], width);
  }
}

NewArray HalfOf(NewArray array, const Halving& halving) {
  array.shape = HalvedShape(halving, array.shape);
  array.width = (array.width + 1) / 2;
  array.height = (array.height + 1) / 2;
  array.source_chunk = AxisVector();
  array.source_block = AxisVector();
  return array;
}

// `count`: how many; absent: until they are small.
Status PlanLayouts(const NewArray& image, const B2ndPlan& plan, std::optional<size_t> count,
                   LevelsPlan& levels) {
  const int slow =
      levels.halving.y < 0 ? levels.halving.x : std::min(levels.halving.x, levels.halving.y);
  int64_t lines = plan.layout.chunk_shape[slow];
  NewArray level = image;
  CPLStringList words = plan.words;
  while (count ? levels.layouts.size() < *count
               : std::max(level.width, level.height) > kSmallestLevelSide) {
    level = HalfOf(std::move(level), levels.halving);
    Result<B2ndCut> cut = CutB2nd(level, words.List(), plan.side_of_bytes);
    if (!cut.ok()) return cut.status().At(image.path);
    lines = std::max<int64_t>(lines / 2, 1);
    Flatten(level, lines, *cut);
    lines = cut->chunk[slow];
    Result<B2ndLayout> layout =
        MakeB2ndLayout(level.element(), level.shape, cut->chunk, cut->block);
    if (!layout.ok()) return layout.status().At(image.path);
    const Status status = CheckChunks(level, *layout);
    if (!status.ok()) return status;
    levels.layouts.push_back(std::move(*layout));
  }
  return {};
}

LevelsPlan WithoutLevels(const NewArray& array, const B2ndPlan& image, Resampling resampling) {
  LevelsPlan plan;
  plan.compression = image.compression;
  plan.max_threads = image.max_threads;
  plan.mask_attribute = kMaskAttribute;
  plan.halving.type = array.dtype.type;
  plan.halving.resampling = resampling;
  plan.halving.x = AxisOf(array, 'X');
  plan.halving.y = AxisOf(array, 'Y');
  plan.halving.band = AxisOf(array, 'B');
  plan.halving.nodata = array.nodata;
  return plan;
}

}  // namespace

Result<LevelsPlan> PlanLevels(const NewArray& array, const B2ndPlan& image,
                              const std::string& method, size_t count) {
  CPLStringList words;
  words.SetNameValue("RESAMPLING", method.c_str());
  const Result<Resampling> resampling = ResamplingOf(array, words.List());
  if (!resampling.ok()) return resampling.status();
  LevelsPlan plan = WithoutLevels(array, image, *resampling);
  const Status status = PlanLayouts(array, image, count, plan);
  if (!status.ok()) return status;
  return plan;
}

Result<B2zPlan> PlanB2z(const NewArray& array, const B2ndPlan& image, StringList options) {
  const Result<bool> wanted = WantsLevels(array, options);
  if (!wanted.ok()) return wanted.status();
  const Result<Resampling> resampling = ResamplingOf(array, options);
  if (!resampling.ok()) return resampling.status();
  B2zPlan plan{image.layout, WithoutLevels(array, image, *resampling)};
  if (!*wanted) return plan;
  Status status = CheckChunks(array, image.layout);
  // Those of a source, which nobody has asked for here.
  if (!status.ok() && !array.source_chunk.empty()) {
    NewArray uncut = array;
    uncut.source_chunk = AxisVector();
    CPLStringList words = image.words;
    const Result<B2ndCut> cut = CutB2nd(uncut, words.List(), image.side_of_bytes);
    if (!cut.ok()) return cut.status().At(array.path);
    Result<B2ndLayout> layout =
        MakeB2ndLayout(array.element(), array.shape, cut->chunk, cut->block);
    if (!layout.ok()) return layout.status().At(array.path);
    plan.layout = std::move(*layout);
    status = CheckChunks(array, plan.layout);
  }
  if (status.ok()) status = PlanLayouts(array, image, std::nullopt, plan.levels);
  if (!status.ok()) return status;
  return plan;
}

std::string MethodName(const LevelsPlan& plan) {
  for (const Method& method : kMethods) {
    if (method.resampling == plan.halving.resampling) return CPLString(method.name).tolower();
  }
  return "";
}

Status RefuseOverviews(const NewArray& array, StringList options) {
  const char* const asked = CSLFetchNameValue(options, "OVERVIEWS");
  if (asked == nullptr || EQUAL(asked, "NONE")) return {};
  return BadOption(array, "OVERVIEWS", asked,
                   "NONE, or a name that ends in .b2z (gdaladdo writes overviews beside a .b2nd)");
}

}  // namespace ndarray
