// Threads that read through GDAL: each with a dataset of its own, all with one, and while another
// updates the file. tests/run tsan_gdal runs these with ThreadSanitizer.

#include <cpl_string.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "driver/raster/formats/array_driver.h"
#include "driver/raster/gdal_compat.h"
#include "tests/support/temp_folder.h"

namespace ndarray {
namespace {

constexpr int kThreads = 8;
constexpr int kBands = 3;
constexpr int kWidth = 600;
constexpr int kHeight = 400;
constexpr int kTurns = 12;

struct CloseHandle {
  void operator()(void* dataset) const { GDALClose(dataset); }
};
using Handle = std::unique_ptr<void, CloseHandle>;

struct Format {
  const char* driver;
  std::vector<const char*> options;  // ends with nullptr
};

// The sequence of std::minstd_rand, which is the same everywhere.
class Numbers {
 public:
  explicit Numbers(int seed) : state_(static_cast<uint64_t>(seed) + 1) {}
  int Below(int end) {
    state_ = state_ * 48271 % 2147483647;
    return static_cast<int>(state_ % static_cast<uint64_t>(end));
  }

 private:
  uint64_t state_;
};

uint16_t ValueAt(int band, int x, int y) {
  return static_cast<uint16_t>(band * 20000 + y * 31 + x / 3);
}

void InThreads(const std::function<void(int)>& work) {
  std::vector<std::thread> threads;
  for (int number = 0; number < kThreads; ++number) threads.emplace_back(work, number);
  for (std::thread& thread : threads) thread.join();
}

class SharedThreadsTest : public ::testing::TestWithParam<Format> {
 protected:
  SharedThreadsTest() {
    GDALRegister_GTiff();  // keeps the masks of .npy
    for (const ArrayFormat* const format : Formats()) RegisterDriver(*format);
    GDALDriverH const driver = GDALGetDriverByName(GetParam().driver);
    const Handle dataset(
        GDALCreate(driver, path_.c_str(), kWidth, kHeight, kBands, GDT_UInt16,
                   const_cast<char**>(GetParam().options.data())));  // NOLINT: GDAL's signature
    std::vector<uint16_t> pixels;
    for (int band = 0; band < kBands; ++band) {
      for (int y = 0; y < kHeight; ++y) {
        for (int x = 0; x < kWidth; ++x) pixels.push_back(ValueAt(band, x, y));
      }
    }
    EXPECT_EQ(GDALDatasetRasterIO(dataset.get(), GF_Write, 0, 0, kWidth, kHeight, pixels.data(),
                                  kWidth, kHeight, GDT_UInt16, kBands, nullptr, 0, 0, 0),
              CE_None);
    GDALSetMetadataItem(dataset.get(), "author", "me", nullptr);
    double transform[6] = {1, 2, 0, 3, 0, -4};
    GDALSetGeoTransform(dataset.get(), transform);
  }

  Handle Open(unsigned flags = 0) const {
    Handle dataset(GDALOpenEx(path_.c_str(), GDAL_OF_RASTER | flags, nullptr, nullptr, nullptr));
    EXPECT_NE(dataset, nullptr);
    return dataset;
  }

  void AddMask() {
    const Handle dataset = Open(GDAL_OF_UPDATE);
    EXPECT_EQ(GDALCreateDatasetMaskBand(dataset.get(), GMF_PER_DATASET), CE_None);
    std::vector<uint8_t> mask(kWidth * kHeight, 255);
    GDALRasterBandH const band = GDALGetMaskBand(GDALGetRasterBand(dataset.get(), 1));
    EXPECT_EQ(GDALRasterIO(band, GF_Write, 0, 0, kWidth, kHeight, mask.data(), kWidth, kHeight,
                           GDT_Byte, 0, 0),
              CE_None);
  }

  // Windows of some bands, as integers and floats, and what GDAL makes of a band for itself.
  static void Look(GDALDatasetH dataset, int seed) {
    Numbers numbers(seed);
    for (int turn = 0; turn < kTurns; ++turn) {
      const int x = numbers.Below(kWidth);
      const int y = numbers.Below(kHeight);
      const int width = 1 + numbers.Below(kWidth - x);
      const int height = 1 + numbers.Below(kHeight - y);
      std::vector<float> pixels(static_cast<size_t>(width * height * kBands));
      ASSERT_EQ(GDALDatasetRasterIO(dataset, GF_Read, x, y, width, height, pixels.data(), width,
                                    height, GDT_Float32, kBands, nullptr, 0, 0, 0),
                CE_None);
      for (int band = 0; band < kBands; ++band) {
        for (const int last : {0, 1}) {
          const int at_x = last * (width - 1);
          const int at_y = last * (height - 1);
          ASSERT_EQ(pixels[static_cast<size_t>((band * height + at_y) * width + at_x)],
                    ValueAt(band, x + at_x, y + at_y));
        }
      }
      LookAtBand(GDALGetRasterBand(dataset, 1 + turn % kBands), turn % kBands);
      ASSERT_STREQ(GDALGetMetadataItem(dataset, "author", nullptr), "me");
      ASSERT_NE(GDALGetMetadata(dataset, "IMAGE_STRUCTURE"), nullptr);
      GDALGetMetadata(dataset, "B2ND");
      GDALGetMetadataItem(dataset, "DECODED_BLOCKS", "B2ND");
      double transform[6];
      ASSERT_EQ(GDALGetGeoTransform(dataset, transform), CE_None);
      GDALGetSpatialRef(dataset);
    }
  }

  static void LookAtBand(GDALRasterBandH band, int number) {
    int block_width = 0;
    int block_height = 0;
    GDALGetBlockSize(band, &block_width, &block_height);
    std::vector<uint16_t> block(static_cast<size_t>(block_width * block_height));
    ASSERT_EQ(GDALReadBlock(band, 0, 0, block.data()), CE_None);
    ASSERT_EQ(block[0], ValueAt(number, 0, 0));
    uint16_t smaller[20 * 10];  // by way of GDAL's block cache
    ASSERT_EQ(GDALRasterIO(band, GF_Read, 0, 0, kWidth, kHeight, smaller, 20, 10, GDT_UInt16, 0, 0),
              CE_None);
    uint8_t valid[4];
    ASSERT_EQ(GDALRasterIO(GDALGetMaskBand(band), GF_Read, 7, 9, 2, 2, valid, 2, 2, GDT_Byte, 0, 0),
              CE_None);
    ASSERT_EQ(valid[3], 255);
    GDALGetRasterNoDataValue(band, nullptr);
    GDALGetRasterColorInterpretation(band);
  }

  const testing::TempFolder folder_;
  const std::string path_ = folder_.Path(std::string("image.") + GetParam().driver);
};

TEST_P(SharedThreadsTest, ThreadsReadThroughDatasetsOfTheirOwn) {
  InThreads([&](int number) {
    const Handle dataset = Open();
    Look(dataset.get(), number);
  });
}

TEST_P(SharedThreadsTest, ThreadsOpenAndCloseOneFile) {
  InThreads([&](int number) {
    for (int turn = 0; turn < kTurns; ++turn) {
      const Handle dataset = Open();
      uint16_t pixel = 0;
      const int band = (number + turn) % kBands;
      ASSERT_EQ(GDALRasterIO(GDALGetRasterBand(dataset.get(), 1 + band), GF_Read, turn, number, 1,
                             1, &pixel, 1, 1, GDT_UInt16, 0, 0),
                CE_None);
      ASSERT_EQ(pixel, ValueAt(band, turn, number));
    }
  });
}

#if NDARRAY_HAS_THREAD_SAFE_DATASETS
TEST_P(SharedThreadsTest, ThreadsShareOneDataset) {
  const Handle dataset = Open(kThreadSafeFlag);
  ASSERT_TRUE(GDALDatasetIsThreadSafe(dataset.get(), GDAL_OF_RASTER, nullptr));
  InThreads([&](int number) { Look(dataset.get(), number); });
}

// Of GDAL's kind: it opens the file for each thread.
TEST_P(SharedThreadsTest, ThreadsShareOneDatasetWithAMask) {
  AddMask();
  const Handle dataset = Open(kThreadSafeFlag);
  ASSERT_TRUE(GDALDatasetIsThreadSafe(dataset.get(), GDAL_OF_RASTER, nullptr));
  InThreads([&](int number) { Look(dataset.get(), number); });
}
#endif

// Readers of a .b2nd see what was committed when they opened it, those of a .npy what is there.
TEST_P(SharedThreadsTest, ThreadsReadWhileAnotherUpdates) {
  constexpr uint16_t kNew = 7;
  std::atomic<bool> written{false};
  const auto is_old_or_new = [](uint16_t value, int x, int y) {
    return value == ValueAt(0, x, y) || value == kNew;
  };
  InThreads([&](int number) {
    if (number == 0) {
      const Handle dataset = Open(GDAL_OF_UPDATE);
      const std::vector<uint16_t> lines(kWidth * 10, kNew);
      for (int y = 0; y < kHeight; y += 10) {
        ASSERT_EQ(GDALRasterIO(GDALGetRasterBand(dataset.get(), 1), GF_Write, 0, y, kWidth, 10,
                               const_cast<uint16_t*>(lines.data()),  // NOLINT: GDAL's signature
                               kWidth, 10, GDT_UInt16, 0, 0),
                  CE_None);
        GDALFlushCache(dataset.get());
      }
      written = true;
      return;
    }
    const Handle kept = Open();
    do {
      const Handle opened = Open();
      for (void* const dataset : {kept.get(), opened.get()}) {
        std::vector<uint16_t> line(kWidth);
        const int y = number * 40;
        ASSERT_EQ(GDALRasterIO(GDALGetRasterBand(dataset, 1), GF_Read, 0, y, kWidth, 1, line.data(),
                               kWidth, 1, GDT_UInt16, 0, 0),
                  CE_None);
        for (int x = 0; x < kWidth; ++x) {
          ASSERT_TRUE(is_old_or_new(line[static_cast<size_t>(x)], x, y));
        }
      }
    } while (!written);
  });
}

std::vector<Format> TestedFormats() {
  std::vector<Format> formats = {{"NPY", {nullptr}}, {"NPY", {"INTERLEAVE=PIXEL", nullptr}}};
#ifdef NDARRAY_HAS_B2ND
  formats.push_back(
      {"B2ND", {"CHUNKXSIZE=64", "CHUNKYSIZE=64", "BLOCKSIZE=32", "COMPRESS=LZ4", nullptr}});
  formats.push_back(
      {"B2ND", {"INTERLEAVE=PIXEL", "CHUNKXSIZE=96", "CHUNKYSIZE=64", "BLOCKSIZE=32", nullptr}});
#endif
  return formats;
}

INSTANTIATE_TEST_SUITE_P(Formats, SharedThreadsTest, ::testing::ValuesIn(TestedFormats()),
                         [](const auto& tested) {
                           const Format& format = tested.param;
                           return std::string(format.driver) + std::to_string(tested.index);
                         });

}  // namespace
}  // namespace ndarray
