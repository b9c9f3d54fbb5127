#include "driver/store/blosc2/blosc_codec.h"

#include <blosc2.h>
#include <blosc2/filters-registry.h>

#include <algorithm>
#include <cstdlib>
#include <new>

#include "driver/store/blosc2/block_streams.h"
#include "driver/store/blosc2/chunk_checks.h"
#include "driver/store/blosc2/codecs.h"
#include "driver/store/buffer.h"
#include "driver/store/slot_pool.h"

namespace ndarray {
namespace {

// The tables of codecs.h have the numbers of the library.
static_assert(compressor_id::kBloscLz == BLOSC_BLOSCLZ && compressor_id::kLz4 == BLOSC_LZ4 &&
              compressor_id::kLz4Hc == BLOSC_LZ4HC && compressor_id::kZlib == BLOSC_ZLIB &&
              compressor_id::kZstd == BLOSC_ZSTD);
static_assert(codec_id::kBloscLz == BLOSC_BLOSCLZ_FORMAT && codec_id::kLz4 == BLOSC_LZ4_FORMAT &&
              codec_id::kZlib == BLOSC_ZLIB_FORMAT && codec_id::kZstd == BLOSC_ZSTD_FORMAT);
static_assert(filter_id::kNone == BLOSC_NOFILTER && filter_id::kShuffle == BLOSC_SHUFFLE &&
              filter_id::kBitShuffle == BLOSC_BITSHUFFLE && filter_id::kDelta == BLOSC_DELTA &&
              filter_id::kTruncatePrecision == BLOSC_TRUNC_PREC &&
              filter_id::kByteDelta == BLOSC_FILTER_BYTEDELTA);

// The streams of a chunk that ZSTD compresses with its checksums, which c-blosc2 does not ask it
// for. They are compressed here, in a codec of our own that gives c-blosc2 a single byte for each,
// and put into the place of those bytes afterwards. No file has that codec's number.
constexpr uint8_t kOwnZstd = BLOSC2_USER_REGISTERED_CODECS_START + 78;

thread_local ZstdStreams* own_streams = nullptr;  // of the chunk that the thread compresses

int EncodeOwnZstd(const uint8_t* input, int32_t input_bytes, uint8_t* output, int32_t, uint8_t,
                  blosc2_cparams*, const void*) {
  own_streams->Add({reinterpret_cast<const char*>(input), static_cast<size_t>(input_bytes)});
  output[0] = 0;
  return 1;
}

// Registers the codecs and filters of the library. It is never undone: there is one copy of the
// library in the plugin, for as long as the process lives.
void InitializeLibrary() {
  [[maybe_unused]] static const bool done = [] {
    blosc2_init();
    static char name[] = "gdal_ndarray_zstd";
    blosc2_codec codec = {};
    codec.compcode = kOwnZstd;
    codec.compname = name;
    codec.encoder = EncodeOwnZstd;
    return blosc2_register_codec(&codec) == BLOSC2_ERROR_SUCCESS;
  }();
}

// The same, compressed by the codec above: in streams as c-blosc2 would have for ZSTD.
blosc2_cparams WithOwnZstd(blosc2_cparams parameters) {
  constexpr int kMaxStreams = 16;
  constexpr int kMaxSplitLevel = 5;
  const bool shuffles = std::count(std::begin(parameters.filters), std::end(parameters.filters),
                                   static_cast<uint8_t>(BLOSC_SHUFFLE)) > 0;
  const bool splits = parameters.clevel <= kMaxSplitLevel && shuffles &&
                      parameters.typesize <= kMaxStreams &&
                      parameters.blocksize / parameters.typesize >= BLOSC_MIN_BUFFERSIZE;
  parameters.compcode = kOwnZstd;
  parameters.splitmode = splits ? BLOSC_ALWAYS_SPLIT : BLOSC_NEVER_SPLIT;
  return parameters;
}

Status DecodeStatus(int result, int64_t wanted) {
  if (result == wanted) return {};
  if (result == BLOSC2_ERROR_MEMORY_ALLOC) throw std::bad_alloc();
  return Mismatch(StatusCode::kCorrupt, "compressed data",
                  result < 0 ? print_error(result) : std::to_string(result) + " bytes",
                  std::to_string(wanted) + " bytes that can be decoded");
}

struct FreeContext {
  void operator()(blosc2_context* context) const { blosc2_free_ctx(context); }
};
using ContextPtr = std::unique_ptr<blosc2_context, FreeContext>;

struct FreeSchunk {
  void operator()(blosc2_schunk* schunk) const { blosc2_schunk_free(schunk); }
};
using SchunkPtr = std::unique_ptr<blosc2_schunk, FreeSchunk>;

using ContextPool = SlotPool<ContextPtr>;

ContextPtr Owned(blosc2_context* context) {
  if (context == nullptr) throw std::bad_alloc();
  return ContextPtr(context);
}

uint8_t* Bytes(std::string& text) { return reinterpret_cast<uint8_t*>(text.data()); }

// Adds a metalayer to a super-chunk; none where it would be empty.
Status AddMetalayer(blosc2_schunk* schunk, std::string_view name, std::string content) {
  if (content.empty()) return {};
  if (blosc2_meta_add(schunk, name.data(), Bytes(content), static_cast<int32_t>(content.size())) >=
      0) {
    return {};
  }
  return Mismatch(StatusCode::kCorrupt, "metalayer " + std::string(name),
                  std::to_string(content.size()) + " bytes", "one that c-blosc2 accepts");
}

// An empty super-chunk in memory, with a frame around it if wanted.
Result<SchunkPtr> NewSchunk(blosc2_cparams compression, bool contiguous, std::string_view b2nd) {
  InitializeLibrary();
  blosc2_dparams decompression = BLOSC2_DPARAMS_DEFAULTS;
  decompression.nthreads = 1;
  compression.nthreads = 1;
  blosc2_storage storage = BLOSC2_STORAGE_DEFAULTS;
  storage.contiguous = contiguous;
  storage.cparams = &compression;
  storage.dparams = &decompression;
  SchunkPtr schunk(blosc2_schunk_new(&storage));
  if (schunk == nullptr) {
    return Mismatch(StatusCode::kNotSupported, "element size", std::to_string(compression.typesize),
                    "one that c-blosc2 accepts");
  }
  Status status = AddMetalayer(schunk.get(), "b2nd", std::string(b2nd));
  if (!status.ok()) return status;
  return schunk;
}

Status Refused(int result, int64_t size_bytes) {
  return Mismatch(StatusCode::kInvalidArgument, "compression", print_error(result),
                  "a chunk of " + std::to_string(size_bytes) + " bytes that c-blosc2 compresses");
}

// The thread's next chunk fills `own`, where the parameters are those of our own codec.
void Collect(ZstdStreams& own, const blosc2_cparams& parameters, size_t size_bytes) {
  if (parameters.compcode != kOwnZstd) return;
  own.Reserve(size_bytes);
  own.level = parameters.clevel;
  own_streams = &own;
}

// A chunk that stands alone.
Result<std::string> Compressed(const void* bytes, size_t size_bytes, blosc2_cparams parameters) {
  InitializeLibrary();
  parameters.nthreads = 1;
  const ContextPtr context = Owned(blosc2_create_cctx(parameters));
  // Most of it is never touched, and takes no memory.
  Buffer chunk(size_bytes + BLOSC2_MAX_OVERHEAD);
  const bool fits = chunk.size_bytes() <= INT32_MAX;
  const int result =
      fits ? blosc2_compress_ctx(context.get(), bytes, static_cast<int32_t>(size_bytes),
                                 chunk.data(), static_cast<int32_t>(chunk.size_bytes()))
           : BLOSC2_ERROR_MAX_BUFSIZE_EXCEEDED;
  if (result <= 0) return Refused(result, static_cast<int64_t>(size_bytes));
  return std::string(reinterpret_cast<const char*>(chunk.data()), static_cast<size_t>(result));
}

}  // namespace

struct BloscCodec::Impl {
  ContextPtr NewContext() const {
    blosc2_dparams parameters = BLOSC2_DPARAMS_DEFAULTS;
    parameters.nthreads = 1;
    parameters.schunk = schunk.get();
    return Owned(blosc2_create_dctx(parameters));
  }

  SchunkPtr schunk;  // stands for the file
  ContextPool pool;
};

BloscCodec::BloscCodec() : impl_(std::make_unique<Impl>()) {}
BloscCodec::~BloscCodec() = default;

Result<std::unique_ptr<BloscCodec>> BloscCodec::Make(int32_t element_bytes, std::string_view b2nd) {
  blosc2_cparams compression = BLOSC2_CPARAMS_DEFAULTS;
  compression.typesize = element_bytes;
  Result<SchunkPtr> schunk = NewSchunk(compression, false, b2nd);
  if (!schunk.ok()) return schunk.status();
  std::unique_ptr<BloscCodec> codec(new BloscCodec);
  codec->impl_->schunk = std::move(*schunk);
  return codec;
}

Status BloscCodec::CheckSupported(const BloscChunk& chunk) {
  if (chunk.kind != ChunkKind::kBlocks || chunk.stored) return {};
  return CheckCanRead(chunk.codec, chunk.filters.data(), chunk.filters.size());
}

Status BloscCodec::DecodeBlock(std::string_view bytes, const BloscChunk& chunk, int64_t block,
                               std::byte* to) const {
  Status status = CheckStreams(chunk, bytes, block);
  if (!status.ok()) return status;
  const ContextPool::Lease context(impl_->pool, [this] { return impl_->NewContext(); });
  const auto size_bytes = static_cast<int32_t>(chunk.block_bytes);
  const int result = blosc2_getitem_bytes_ctx(
      context.get(), bytes.data(), static_cast<int32_t>(bytes.size()),
      static_cast<int32_t>(block * chunk.block_bytes), size_bytes, to, size_bytes);
  return DecodeStatus(result, size_bytes);
}

Status BloscCodec::DecodeChunk(std::string_view bytes, const BloscChunk& chunk,
                               std::byte* to) const {
  Status status = CheckStreams(chunk, bytes);
  if (!status.ok()) return status;
  // A dictionary stays in the context, and would be taken for that of the next chunk.
  const ContextPtr context = impl_->NewContext();
  const auto size_bytes = static_cast<int32_t>(chunk.uncompressed_bytes);
  const int result = blosc2_decompress_ctx(context.get(), bytes.data(),
                                           static_cast<int32_t>(bytes.size()), to, size_bytes);
  return DecodeStatus(result, size_bytes);
}

// One way to compress chunks. Contexts for samples are apart: c-blosc2 remembers the size of
// blocks.
struct BloscEncoder::Pipeline {
  // The size of the chunk that it made in `to`, or an error of c-blosc2. `how`: one of the
  // parameters below, for each pool the same.
  int Compress(ContextPool& pool, const blosc2_cparams& how, const void* from, int64_t from_bytes,
               std::byte* to, int64_t to_bytes) const {
    const ContextPool::Lease context(pool, [&] { return Owned(blosc2_create_cctx(how)); });
    return blosc2_compress_ctx(context.get(), from, static_cast<int32_t>(from_bytes), to,
                               static_cast<int32_t>(to_bytes));
  }

  blosc2_cparams parameters = BLOSC2_CPARAMS_DEFAULTS;
  int64_t weight = 1;
  blosc2_cparams own_zstd = BLOSC2_CPARAMS_DEFAULTS;  // the same by our own codec; for ZSTD
  mutable ContextPool chunks, samples;
};

struct BloscEncoder::Impl {
  // Of no filters in particular.
  const blosc2_cparams& parameters() const { return pipelines[0]->parameters; }

  std::vector<std::unique_ptr<Pipeline>> pipelines;  // several: each chunk gets one of them
  bool checksums = true;
  bool is_own_zstd = false;
  uint8_t auto_group_bytes = 0;
  int64_t group_bytes = 1;
  std::string b2nd;
  SchunkPtr schunk;  // stands for the file
};

BloscEncoder::BloscEncoder() : impl_(std::make_unique<Impl>()) {}
BloscEncoder::~BloscEncoder() = default;

Result<std::unique_ptr<BloscEncoder>> BloscEncoder::Make(const Compression& compression,
                                                         int32_t element_bytes, int32_t block_bytes,
                                                         std::string_view b2nd) {
  std::vector<FilterCandidate> candidates;
  if (compression.auto_group_bytes > 0) {
    candidates = FiltersToTry(compression.compressor, compression.auto_group_bytes);
  }
  if (candidates.empty()) candidates.push_back({compression.pipeline, 1});
  std::unique_ptr<BloscEncoder> encoder(new BloscEncoder);
  Impl& impl = *encoder->impl_;
  for (const FilterCandidate& candidate : candidates) {
    impl.pipelines.push_back(std::make_unique<Pipeline>());
    impl.pipelines.back()->weight = candidate.weight;
    blosc2_cparams& parameters = impl.pipelines.back()->parameters;
    parameters.compcode = static_cast<uint8_t>(compression.compressor);
    parameters.clevel = static_cast<uint8_t>(compression.level);
    parameters.typesize = element_bytes;
    parameters.blocksize = block_bytes;
    parameters.nthreads = 1;
    const auto& [filters, metas] = candidate.pipeline;
    std::copy(filters.begin(), filters.end(), parameters.filters);
    std::copy(metas.begin(), metas.end(), parameters.filters_meta);
  }
  Result<SchunkPtr> schunk = NewSchunk(impl.parameters(), false, b2nd);
  if (!schunk.ok()) return schunk.status();
  impl.schunk = std::move(*schunk);
  for (const auto& pipeline : impl.pipelines) {
    pipeline->parameters.schunk = impl.schunk.get();
    pipeline->own_zstd = WithOwnZstd(pipeline->parameters);
  }
  impl.checksums = compression.checksums;
  impl.is_own_zstd = compression.checksums && compression.compressor == compressor_id::kZstd &&
                     compression.level > 0;
  impl.auto_group_bytes = compression.auto_group_bytes;
  impl.group_bytes = std::max<int64_t>(compression.auto_group_bytes, element_bytes);
  impl.b2nd = b2nd;
  return encoder;
}

// The one whose chunk of a sample is the smallest, times its weight; of equals the first.
Result<size_t> BloscEncoder::ChoosePipeline(const std::byte* elements, int64_t size_bytes) const {
  const auto& pipelines = impl_->pipelines;
  const int64_t block_bytes = impl_->parameters().blocksize;
  const int64_t sample_bytes = SampleBytes(size_bytes, block_bytes, impl_->group_bytes,
                                           static_cast<int64_t>(pipelines.size()));
  if (sample_bytes == 0) return 0;
  const int64_t room = sample_bytes + BLOSC2_MAX_OVERHEAD;
  std::byte* const sample = ThreadScratch<Pipeline>(static_cast<size_t>(sample_bytes + room));
  if (!TakeSample(elements, size_bytes, block_bytes, impl_->group_bytes, sample, sample_bytes)) {
    return 0;
  }
  size_t best = 0;
  int64_t lowest = INT64_MAX;
  for (size_t i = 0; i < pipelines.size(); ++i) {
    const Pipeline& pipeline = *pipelines[i];
    const int result = pipeline.Compress(pipeline.samples, pipeline.parameters, sample,
                                         sample_bytes, sample + sample_bytes, room);
    if (result <= 0) return Refused(result, sample_bytes);
    if (result * pipeline.weight >= lowest) continue;
    best = i;
    lowest = result * pipeline.weight;
  }
  return best;
}

Status BloscEncoder::EncodeChunk(const std::byte* elements, size_t size_bytes,
                                 std::string& to) const {
  const size_t room = size_bytes + BLOSC2_MAX_OVERHEAD;
  std::byte* const scratch = ThreadScratch<BloscEncoder>(room);
  const auto from_bytes = static_cast<int32_t>(size_bytes);
  const auto to_bytes = static_cast<int32_t>(room);
  const blosc2_cparams& parameters = impl_->parameters();
  const bool checksums = impl_->checksums && HaveRoomForChecks(from_bytes, parameters.blocksize);
  const bool is_own_zstd = impl_->is_own_zstd && checksums;
  std::string copy;
  ZstdStreams own;
  int result = 0;
  // c-blosc2 looks for zeros and runs only where it compresses.
  if (AreZeros(elements, size_bytes)) {
    result = blosc2_chunk_zeros(parameters, from_bytes, scratch, to_bytes);
  } else if (RepeatsElement(elements, size_bytes, static_cast<size_t>(parameters.typesize))) {
    result = blosc2_chunk_repeatval(parameters, from_bytes, scratch, to_bytes, elements);
  } else {
    Result<size_t> chosen = ChoosePipeline(elements, from_bytes);
    if (!chosen.ok()) return chosen.status();
    const Pipeline& pipeline = *impl_->pipelines[*chosen];
    // A third filter puts its result where the elements were, which then is what c-blosc2 stores.
    const auto& filters = pipeline.parameters.filters;
    const auto unused = std::count(std::begin(filters), std::end(filters), 0);
    if (unused < BLOSC2_MAX_FILTERS - 2)
      copy.assign(reinterpret_cast<const char*>(elements), size_bytes);
    const void* const from = copy.empty() ? static_cast<const void*>(elements) : copy.data();
    const blosc2_cparams& how = is_own_zstd ? pipeline.own_zstd : pipeline.parameters;
    Collect(own, how, size_bytes);
    result = pipeline.Compress(pipeline.chunks, how, from, from_bytes, scratch, to_bytes);
  }
  if (result <= 0) return Refused(result, from_bytes);
  const std::string_view made(reinterpret_cast<const char*>(scratch), static_cast<size_t>(result));
  const std::string_view all(reinterpret_cast<const char*>(elements), size_bytes);
  if (checksums) {
    auto checked = AddChecks(made, all, is_own_zstd ? &own : nullptr, std::move(to));
    if (checked.ok()) to = std::move(*checked);
    return checked.status();
  }
  to.assign(made);
  const bool is_stored = (to[BLOSC2_CHUNK_FLAGS] & BLOSC_MEMCPYED) != 0;
  const bool has_all = to.size() == kChunkHeaderBytes + size_bytes;
  if (is_stored && has_all && !copy.empty()) to.replace(kChunkHeaderBytes, size_bytes, all);
  return {};
}

Result<std::string> BloscEncoder::MakeFrameHeader() const {
  Result<SchunkPtr> schunk = NewSchunk(impl_->parameters(), true, impl_->b2nd);
  if (!schunk.ok()) return schunk.status();
  if (impl_->auto_group_bytes > 0) {
    Status status =
        AddMetalayer(schunk->get(), kFilterMetalayer, FormatAutoFilter(impl_->auto_group_bytes));
    if (!status.ok()) return status;
  }
  uint8_t* bytes = nullptr;
  bool needs_free = false;
  const int64_t size = blosc2_schunk_to_buffer(schunk->get(), &bytes, &needs_free);
  if (size < static_cast<int64_t>(kFrameHeaderMinBytes) || bytes == nullptr) {
    return Mismatch(StatusCode::kInvalidArgument, "frame", std::to_string(size), "a buffer");
  }
  std::string frame(reinterpret_cast<const char*>(bytes), static_cast<size_t>(size));
  if (needs_free) std::free(bytes);
  Result<uint64_t> header_bytes = FrameHeaderBytes(frame);
  if (!header_bytes.ok()) return header_bytes.status();
  frame.resize(*header_bytes);
  return frame;
}

Result<std::string> BloscEncoder::EncodeAttribute(std::string_view value) {
  blosc2_cparams parameters = BLOSC2_CPARAMS_DEFAULTS;
  parameters.typesize = 1;
  parameters.blocksize = 256 * 1024;
  parameters = WithOwnZstd(parameters);
  ZstdStreams own;
  Collect(own, parameters, value.size());
  Result<std::string> made = Compressed(value.data(), value.size(), parameters);
  return made.ok() ? AddChecks(*made, value, &own) : made;
}

Result<std::string> BloscEncoder::EncodeOffsets(const std::vector<int64_t>& offsets) {
  blosc2_cparams parameters = BLOSC2_CPARAMS_DEFAULTS;  // what c-blosc2 itself writes
  parameters.typesize = sizeof(int64_t);
  parameters.blocksize = 16 * 1024;
  return Compressed(offsets.data(), offsets.size() * sizeof(int64_t), parameters);
}

}  // namespace ndarray
