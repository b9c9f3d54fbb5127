#include "driver/raster/create/b2nd_options.h"

#include <cpl_string.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "driver/store/blosc2/codecs.h"

namespace ndarray {
namespace {

Result<B2ndPlan> PlanOf(ScalarType type, const std::vector<std::string>& words) {
  NewArray array;
  array.path = "new.b2nd";
  array.axes = "YX";
  array.shape = {300, 300};
  array.dtype = {type, kNativeOrder};
  array.width = array.height = 300;
  array.bands = 1;
  CPLStringList options;
  for (const std::string& word : words) options.AddString(word.c_str());
  return PlanB2nd(array, options.List());
}

TEST(B2ndOptions, HaveAValueForEachCodecAndFilterThatCanBeWritten) {
  const std::string xml = B2ndCreationOptions();
  for (const CodecRow& row : kCodecs) {
    SCOPED_TRACE(row.name);
    const bool is_listed = xml.find(">" + std::string(row.name) + "</Value>") != std::string::npos;
    EXPECT_EQ(is_listed, row.can_write());
    const Result<B2ndPlan> plan =
        PlanOf(ScalarType::kUInt16, {std::string("COMPRESS=") + row.name});
    EXPECT_EQ(plan.ok(), row.can_write());
    if (!plan.ok()) continue;
    EXPECT_EQ(plan->compression.compressor, row.compressor);
    EXPECT_EQ(plan->compression.level, row.default_level);
    EXPECT_EQ(plan->compression.pipeline.filters[kMaxFilters - 1], row.default_filter());
    EXPECT_EQ(plan->compression.auto_group_bytes, 2) << "chosen for each chunk";
  }
  for (const FilterRow& row : kFilters) {
    SCOPED_TRACE(row.name);
    const Result<B2ndPlan> plan = PlanOf(ScalarType::kUInt16, {std::string("FILTER=") + row.name});
    EXPECT_EQ(plan.ok(), row.can_write);
    if (!plan.ok()) continue;
    EXPECT_EQ(plan->compression.pipeline.filters[kMaxFilters - 1], row.id);
    EXPECT_EQ(plan->compression.auto_group_bytes, 0) << "what was asked for stays";
  }
}

// python-blosc2 has the metas of filters as int8, and does not open files with larger ones.
TEST(B2ndOptions, MetasOfFiltersAreAtMostThoseThatPythonBlosc2Reads) {
  for (const auto& [bands, metas] : {std::pair<int, int>{63, 126}, {64, 2}, {127, 2}, {128, 2}}) {
    SCOPED_TRACE(bands);
    NewArray array;
    array.path = "new.b2nd";
    array.axes = "YXB";
    array.shape = {300, 300, bands};
    array.dtype = {ScalarType::kUInt16, kNativeOrder};
    array.width = array.height = 300;
    array.bands = bands;
    const Result<B2ndPlan> plan = PlanB2nd(array, nullptr);
    ASSERT_TRUE(plan.ok());
    EXPECT_EQ(plan->compression.auto_group_bytes, metas);
    for (const size_t slot : {kMaxFilters - 2, kMaxFilters - 1}) {
      EXPECT_EQ(plan->compression.pipeline.metas[slot], metas);
    }
  }
}

TEST(B2ndOptions, DefaultIsTheFirstCodecAtTheLevelOfTheType) {
  const Result<B2ndPlan> plain = PlanOf(ScalarType::kUInt16, {});
  const Result<B2ndPlan> floats = PlanOf(ScalarType::kFloat32, {});
  ASSERT_TRUE(plain.ok() && floats.ok());
  EXPECT_EQ(plain->compression.compressor, compressor_id::kZstd);
  EXPECT_EQ(plain->compression.level, 1);
  EXPECT_EQ(floats->compression.level, 3);
}

TEST(B2ndOptions, NoneStoresWithoutFilters) {
  const Result<B2ndPlan> plan = PlanOf(ScalarType::kUInt16, {"COMPRESS=NONE"});
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->compression.level, 0);
  EXPECT_EQ(plan->compression.pipeline, FilterPipeline());
  EXPECT_EQ(plan->compression.auto_group_bytes, 0);
}

TEST(B2ndOptions, RefusalsListWhatThereIs) {
  EXPECT_EQ(PlanOf(ScalarType::kUInt8, {"COMPRESS=SNAPPY"}).status().message(),
            "new.b2nd: COMPRESS: found SNAPPY, wanted ZSTD, LZ4, LZ4HC, ZLIB, BLOSCLZ or NONE");
  EXPECT_EQ(PlanOf(ScalarType::kUInt8, {"FILTER=DELTA"}).status().message(),
            "new.b2nd: FILTER: found DELTA, wanted NONE, SHUFFLE, BITSHUFFLE, BYTEDELTA or AUTO");
}

}  // namespace
}  // namespace ndarray
