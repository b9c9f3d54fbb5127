#include "tests/support/b2nd_files.h"

#include <b2nd.h>

#include <algorithm>
#include <memory>
#include <stdexcept>

namespace ndarray::testing {
namespace {

struct Free {
  void operator()(b2nd_context_t* context) const { b2nd_free_ctx(context); }
  void operator()(b2nd_array_t* array) const { b2nd_free(array); }
  void operator()(blosc2_context* context) const { blosc2_free_ctx(context); }
  void operator()(blosc2_schunk* schunk) const { blosc2_schunk_free(schunk); }
};

void Check(int64_t result, const char* what) {
  if (result < 0) {
    throw std::runtime_error(std::string(what) + ": " + print_error(static_cast<int>(result)));
  }
}

blosc2_cparams Parameters(int32_t element_bytes, const B2ndOptions& options) {
  blosc2_cparams parameters = BLOSC2_CPARAMS_DEFAULTS;
  parameters.typesize = element_bytes;
  parameters.compcode = static_cast<uint8_t>(options.compressor);
  parameters.compcode_meta = static_cast<uint8_t>(options.codec_meta);
  parameters.clevel = static_cast<uint8_t>(options.level);
  parameters.nthreads = 1;
  parameters.use_dict = options.dictionary ? 1 : 0;
  parameters.splitmode = options.split_mode;
  std::fill(std::begin(parameters.filters), std::end(parameters.filters), uint8_t{0});
  size_t slot = BLOSC2_MAX_FILTERS - options.filters.size();
  for (const auto& [id, meta] : options.filters) {
    parameters.filters[slot] = static_cast<uint8_t>(id);
    parameters.filters_meta[slot++] = static_cast<uint8_t>(meta);
  }
  return parameters;
}

void Replace(blosc2_schunk& schunk, const blosc2_cparams& parameters, int64_t chunk, int kind) {
  std::string header(BLOSC_EXTENDED_HEADER_LENGTH, '\0');
  const auto size_bytes = static_cast<int32_t>(header.size());
  const int made =
      kind == BLOSC2_SPECIAL_ZERO
          ? blosc2_chunk_zeros(parameters, schunk.chunksize, header.data(), size_bytes)
      : kind == BLOSC2_SPECIAL_NAN
          ? blosc2_chunk_nans(parameters, schunk.chunksize, header.data(), size_bytes)
          : blosc2_chunk_uninit(parameters, schunk.chunksize, header.data(), size_bytes);
  Check(made, "special chunk");
  Check(blosc2_schunk_update_chunk(&schunk, chunk, reinterpret_cast<uint8_t*>(header.data()), true),
        "update chunk");
}

}  // namespace

std::string B2ndBytes(const std::string& dtype, int32_t element_bytes, const AxisVector& shape,
                      const std::string& elements, const B2ndOptions& options) {
  blosc2_init();
  blosc2_cparams compression = Parameters(element_bytes, options);
  blosc2_dparams decompression = BLOSC2_DPARAMS_DEFAULTS;
  blosc2_storage storage = BLOSC2_STORAGE_DEFAULTS;
  storage.cparams = &compression;
  storage.dparams = &decompression;
  storage.contiguous = true;
  const std::vector<int32_t> chunks(options.chunk_shape.begin(), options.chunk_shape.end());
  const std::vector<int32_t> blocks(options.block_shape.begin(), options.block_shape.end());
  const std::unique_ptr<b2nd_context_t, Free> context(
      b2nd_create_ctx(&storage, static_cast<int8_t>(shape.size()), shape.begin(), chunks.data(),
                      blocks.data(), dtype.c_str(), DTYPE_NUMPY_FORMAT, nullptr, 0));
  if (context == nullptr) throw std::runtime_error("b2nd_create_ctx");
  b2nd_array_t* made = nullptr;
  Check(b2nd_from_cbuffer(context.get(), &made, elements.data(),
                          static_cast<int64_t>(elements.size())),
        "b2nd_from_cbuffer");
  const std::unique_ptr<b2nd_array_t, Free> array(made);
  compression.blocksize = array->blocknitems * element_bytes;
  for (const auto& [chunk, kind] : options.special_chunks) {
    Replace(*array->sc, compression, chunk, kind);
  }
  for (const auto& [name, content] : options.vlmetalayers) {
    std::string copy = content;
    Check(blosc2_vlmeta_add(array->sc, name.c_str(), reinterpret_cast<uint8_t*>(copy.data()),
                            static_cast<int32_t>(copy.size()), nullptr),
          "blosc2_vlmeta_add");
  }
  uint8_t* frame = nullptr;
  int64_t frame_bytes = 0;
  bool needs_free = false;
  Check(b2nd_to_cframe(array.get(), &frame, &frame_bytes, &needs_free), "b2nd_to_cframe");
  std::string bytes(reinterpret_cast<char*>(frame), static_cast<size_t>(frame_bytes));
  if (needs_free) free(frame);
  return bytes;
}

std::string B2ndBytes(const ReferenceArray& reference, const B2ndOptions& options) {
  std::string elements = reference.elements;
  if (reference.dtype.order != kNativeOrder) elements = SwapBytes(elements, reference.dtype);
  const std::string order = reference.dtype.size_bytes() == 1          ? "|"
                            : reference.dtype.order == ByteOrder::kBig ? ">"
                                                                       : "<";
  return B2ndBytes(order + TypeString(reference.dtype).substr(1),
                   static_cast<int32_t>(reference.dtype.size_bytes()), reference.shape, elements,
                   options);
}

std::string CompressedChunk(const std::string& elements, int32_t element_bytes, int32_t block_bytes,
                            const B2ndOptions& options) {
  blosc2_init();
  blosc2_cparams parameters = Parameters(element_bytes, options);
  parameters.blocksize = block_bytes;
  blosc2_storage storage = BLOSC2_STORAGE_DEFAULTS;
  storage.cparams = &parameters;
  // Some filters ask it for the size of elements.
  const std::unique_ptr<blosc2_schunk, Free> schunk(blosc2_schunk_new(&storage));
  if (schunk == nullptr) throw std::runtime_error("blosc2_schunk_new");
  parameters.schunk = schunk.get();
  const std::unique_ptr<blosc2_context, Free> context(blosc2_create_cctx(parameters));
  std::string chunk(elements.size() + BLOSC2_MAX_OVERHEAD, '\0');
  const std::string copy = elements;  // from the third filter on, c-blosc2 writes to its source
  const int size_bytes =
      blosc2_compress_ctx(context.get(), copy.data(), static_cast<int32_t>(copy.size()),
                          chunk.data(), static_cast<int32_t>(chunk.size()));
  Check(size_bytes, "blosc2_compress_ctx");
  chunk.resize(static_cast<size_t>(size_bytes));
  return chunk;
}

std::string CompressedChunk(const std::string& elements, int32_t element_bytes, int32_t block_bytes,
                            int compressor, int level) {
  B2ndOptions options;
  options.compressor = compressor;
  options.level = level;
  return CompressedChunk(elements, element_bytes, block_bytes, options);
}

}  // namespace ndarray::testing
