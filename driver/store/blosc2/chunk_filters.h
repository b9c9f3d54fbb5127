// The filters of chunks, which each chunk names in its own header: as text, as FILTER has them, and
// as FILTER=AUTO chooses them.
//
// AUTO compresses a sample of each chunk with the filters that suit the codec, and takes those that
// leave the fewest bytes, each times its weight (codecs.h). The choice follows from the chunk's
// bytes alone. All samples of a chunk together are at most a kSampleShare-th of it.
#ifndef GDAL_NDARRAY_STORE_BLOSC2_CHUNK_FILTERS_H_
#define GDAL_NDARRAY_STORE_BLOSC2_CHUNK_FILTERS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "driver/store/blosc2/frame_header.h"
#include "driver/store/status.h"

namespace ndarray {

// Slots are applied from the first to the last.
struct FilterPipeline {
  std::array<uint8_t, kMaxFilters> filters = {};
  std::array<uint8_t, kMaxFilters> metas = {};
};

inline bool operator==(const FilterPipeline& a, const FilterPipeline& b) {
  return a.filters == b.filters && a.metas == b.metas;
}

// "SHUFFLE(4),BYTEDELTA(4)", or "NONE".
std::string PipelineText(const FilterPipeline& pipeline);

// kNotSupported where c-blosc2 would load a plugin, or write what it cannot read: with DELTA twice,
// or beside more than one other filter. `compressor`: of the frame's header.
Status CheckCanWrite(int compressor, const FilterPipeline& pipeline);

// What FILTER asks for, by its number (codecs.h). `group_bytes`: the bytes of one pixel of a chunk,
// whose planes are what SHUFFLE makes and BYTEDELTA predicts from; at least 1.
FilterPipeline PipelineOf(uint8_t filter, uint8_t group_bytes);

struct FilterCandidate {
  FilterPipeline pipeline;
  int64_t weight;  // of each byte that it leaves
};

// What AUTO tries, no two alike; the first is for chunks on which nothing can be tried. Empty for
// compressors that are not written.
std::vector<FilterCandidate> FiltersToTry(int compressor, uint8_t group_bytes);

constexpr int64_t kSampleShare = 32;
constexpr int64_t kMinSampleBytes = 2048;  // less says nothing

// The bytes to try each of so many candidates on: whole blocks, or a part of one; 0 where the chunk
// is too small, or no row of blocks.
int64_t SampleBytes(int64_t chunk_bytes, int64_t block_bytes, int64_t group_bytes,
                    int64_t candidates);

// Copies pieces from all over the chunk, out of blocks in file order, into a sample. Pieces of one
// value are passed over; zeros stand for what is missing. False if there is nothing but such
// pieces. REQUIRES: SampleBytes of these is size_bytes, and not 0
bool TakeSample(const std::byte* chunk, int64_t chunk_bytes, int64_t block_bytes,
                int64_t group_bytes, std::byte* sample, int64_t size_bytes);

// AUTO of a file, so that who updates it goes on choosing: in a metalayer of this name msgpack,
// ["AUTO", group_bytes]. 0 for contents that say anything else, or do not fit the elements.
constexpr std::string_view kFilterMetalayer = "gdal:filter";
std::string FormatAutoFilter(uint8_t group_bytes);
uint8_t ParseAutoFilter(std::string_view content, int64_t element_bytes);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_BLOSC2_CHUNK_FILTERS_H_
