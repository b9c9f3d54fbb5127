#include "driver/raster/create/option_words.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <initializer_list>
#include <string_view>

#include "driver/raster/gdal_error.h"
#include "driver/store/blosc2/codecs.h"

namespace ndarray {
namespace {

bool IsAnyOf(const char* value, std::initializer_list<const char*> words) {
  for (const char* const word : words) {
    if (EQUAL(value, word)) return true;
  }
  return false;
}

// c-blosc2 compresses with these levels of ZSTD at its levels 1 to 9 (zstd_wrap_compress).
constexpr int kZstdLevels[] = {1, 3, 5, 7, 9, 11, 13, 15, 22};

// The level that is nearest; of two the faster one.
int NearestLevel(int64_t zstd_level) {
  int best = 1;
  for (int level = 2; level <= 9; ++level) {
    if (std::abs(zstd_level - kZstdLevels[level - 1]) <
        std::abs(zstd_level - kZstdLevels[best - 1])) {
      best = level;
    }
  }
  return best;
}

Status TranslateLevel(CPLStringList& options) {
  Result<int64_t> zstd = NumberOption(options.List(), "ZSTD_LEVEL", 1, 22, 0);
  if (!zstd.ok()) return zstd.status();
  Result<int64_t> zlib = NumberOption(options.List(), "ZLEVEL", 1, 12, 0);
  if (!zlib.ok()) return zlib.status();
  const char* const codec = options.FetchNameValueDef("COMPRESS", kCodecs[0].name);
  int64_t level = 0;
  if (EQUAL(codec, "ZSTD") && *zstd > 0) level = NearestLevel(*zstd);
  if (EQUAL(codec, "ZLIB")) level = std::min<int64_t>(*zlib, 9);  // above 9: libdeflate's
  if (level > 0 && options.FetchNameValue("LEVEL") == nullptr) {
    options.SetNameValue("LEVEL", std::to_string(level).c_str());
  }
  return {};
}

Status TranslatePredictor(const std::string& path, CPLStringList& options) {
  const char* const predictor = options.FetchNameValue("PREDICTOR");
  if (predictor == nullptr || IsAnyOf(predictor, {"1", "NO", "NONE"})) return {};
  if (!IsAnyOf(predictor, {"2", "3", "YES", "STANDARD", "FLOATING_POINT", "FLOATING-POINT"})) {
    return Mismatch(StatusCode::kInvalidArgument, "PREDICTOR", predictor, "1, 2 or 3");
  }
  const std::string asked = path + ": PREDICTOR=" + predictor;
  if (const char* const filter = options.FetchNameValue("FILTER")) {
    ReportWarning(asked + " is ignored, since FILTER=" + filter + " is given");
  } else if (!EQUAL(options.FetchNameValueDef("COMPRESS", ""), "NONE")) {
    ReportWarning(asked + " is taken as FILTER=BYTEDELTA, which is how a .b2nd stores differences");
    options.SetNameValue("FILTER", "BYTEDELTA");
  }
  return {};
}

Status TranslateBlockSize(CPLStringList& options) {
  const char* const side = options.FetchNameValue("BLOCKSIZE");
  if (side == nullptr) return {};
  Result<int64_t> number = NumberOption(options.List(), "BLOCKSIZE", 1, INT32_MAX, 0);
  if (!number.ok()) return number.status();
  const std::string text = side;
  for (const char* const name : {"BLOCKXSIZE", "BLOCKYSIZE"}) {
    if (options.FetchNameValue(name) == nullptr) options.SetNameValue(name, text.c_str());
  }
  return {};
}

}  // namespace

const char* const kB2ndOptionWords =
    "<Option name='BLOCKSIZE' type='string' description='Both BLOCKXSIZE and BLOCKYSIZE; of a "
    "copy of an array of any dimensions its chunks, with commas between them'/>"
    "<Option name='BLOCKS' type='string' description='Of such a copy: blocks of chunks'/>"
    "<Option name='ZSTD_LEVEL' type='int' min='1' max='22' description='As in GeoTIFF: the LEVEL "
    "with the nearest level of ZSTD'/>"
    "<Option name='ZLEVEL' type='int' min='1' max='12' description='As in GeoTIFF: the LEVEL of "
    "ZLIB'/>"
    "<Option name='PREDICTOR' type='string' description='As in GeoTIFF: 2 and 3 are "
    "FILTER=BYTEDELTA'/>";

const char* const kB2zOptions =
    "<Option name='OVERVIEWS' type='string-select' description='Of a .b2z: AUTO (default) also "
    "writes overviews, each half of the one before, down to 256 pixels'>"
    "<Value>AUTO</Value><Value>NONE</Value></Option>"
    "<Option name='RESAMPLING' type='string-select' description='Of a .b2z: how overviews are made "
    "(default: AVERAGE; NEAREST for palettes and categories)'>"
    "<Value>AVERAGE</Value><Value>NEAREST</Value><Value>MODE</Value></Option>";

const char* const kNpyIgnoredOptions =
    "<Option name='COMPRESS' type='string' description='Ignored: a .npy is not "
    "compressed (the driver B2ND compresses)'/>"
    "<Option name='LEVEL' alias='ZSTD_LEVEL' type='string' description='Ignored'/>"
    "<Option name='ZLEVEL' type='string' description='Ignored'/>"
    "<Option name='FILTER' alias='PREDICTOR' type='string' description='Ignored'/>"
    "<Option name='BLOCK*' type='string' description='Ignored: a .npy has no "
    "blocks'/>"
    "<Option name='CHUNK*' type='string' description='Ignored: a .npy has no "
    "chunks'/>";

Result<int64_t> NumberOption(StringList options, const char* name, int64_t min, int64_t max,
                             int64_t otherwise) {
  const char* const text = CSLFetchNameValue(options, name);
  if (text == nullptr) return otherwise;
  const std::string_view digits(text);
  int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size() || value < min || value > max) {
    return Mismatch(StatusCode::kInvalidArgument, name, digits,
                    std::to_string(min) + " to " + std::to_string(max));
  }
  return value;
}

Result<CPLStringList> B2ndOptionWords(const std::string& path, StringList options) {
  CPLStringList words(CSLDuplicate(options));
  const char* const asked = words.FetchNameValueDef("COMPRESS", "");
  for (const CodecRow& row : kCodecs) {
    if (row.alias == nullptr || !EQUAL(asked, row.alias)) continue;
    words.SetNameValue("COMPRESS", row.name);
    break;
  }
  if (const char* const blocks = words.FetchNameValue("BLOCKS")) {
    ReportWarning(path + ": ignored: BLOCKS=" + blocks +
                  "; rasters have BLOCKXSIZE and BLOCKYSIZE");
  }
  Status status = TranslateBlockSize(words);
  if (status.ok()) status = TranslateLevel(words);
  if (status.ok()) status = TranslatePredictor(path, words);
  if (!status.ok()) return status;
  return words;
}

void WarnOfUnused(const std::string& path, StringList options, int block_width, int block_height) {
  const auto is_block = [](const char* found, int side) {
    return found == nullptr || found == std::to_string(side);
  };
  const bool own_blocks = is_block(CSLFetchNameValue(options, "BLOCKXSIZE"), block_width) &&
                          is_block(CSLFetchNameValue(options, "BLOCKYSIZE"), block_height) &&
                          CSLFetchNameValue(options, "BLOCKXSIZE") != nullptr;
  std::string unused;
  for (const char* const name :
       {"COMPRESS", "LEVEL", "ZSTD_LEVEL", "ZLEVEL", "FILTER", "PREDICTOR", "TILED", "BLOCKSIZE",
        "BLOCKXSIZE", "BLOCKYSIZE", "CHUNKXSIZE", "CHUNKYSIZE"}) {
    const char* const value = CSLFetchNameValue(options, name);
    if (value == nullptr || IsAnyOf(value, {"NONE", "NO", "FALSE", "OFF"})) continue;
    if (EQUAL(name, "PREDICTOR") && EQUAL(value, "1")) continue;
    if (own_blocks && IsAnyOf(name, {"TILED", "BLOCKXSIZE", "BLOCKYSIZE"})) continue;
    unused += (unused.empty() ? "" : ", ") + std::string(name) + "=" + value;
  }
  if (unused.empty()) return;
  ReportWarning(path + ": ignored: " + unused +
                "; a .npy has neither compression nor blocks, the driver B2ND has both");
}

}  // namespace ndarray
