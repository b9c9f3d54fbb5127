#include "driver/store/blosc_codec.h"

#include <b2nd.h>
#include <blosc2.h>
#include <blosc2/codecs-registry.h>
#include <blosc2/filters-registry.h>

#include <algorithm>
#include <array>
#include <new>

namespace ndarray {
namespace {

struct Name {
  int id;
  const char* name;
  bool built_in;
};

// Codecs by the number that a chunk has: LZ4HC writes what LZ4 reads.
constexpr Name kCodecs[] = {
    {BLOSC_BLOSCLZ_FORMAT, "BLOSCLZ", true},
    {BLOSC_LZ4_FORMAT, "LZ4", true},
    {BLOSC_ZLIB_FORMAT, "ZLIB", true},
    {BLOSC_ZSTD_FORMAT, "ZSTD", true},
    {BLOSC_CODEC_NDLZ, "NDLZ", true},
    {BLOSC_CODEC_ZFP_FIXED_ACCURACY, "ZFP_ACC", true},
    {BLOSC_CODEC_ZFP_FIXED_PRECISION, "ZFP_PREC", true},
    {BLOSC_CODEC_ZFP_FIXED_RATE, "ZFP_RATE", true},
    {BLOSC_CODEC_OPENHTJ2K, "OPENHTJ2K", false},
    {BLOSC_CODEC_GROK, "GROK", false},
    {BLOSC_CODEC_OPENZL, "OPENZL", false},
    {BLOSC_CODEC_J2K, "J2K", false},
    {BLOSC_CODEC_HTJ2K, "HTJ2K", false},
};

constexpr Name kFilters[] = {
    {BLOSC_NOFILTER, "NONE", true},
    {BLOSC_SHUFFLE, "SHUFFLE", true},
    {BLOSC_BITSHUFFLE, "BITSHUFFLE", true},
    {BLOSC_DELTA, "DELTA", true},
    {BLOSC_TRUNC_PREC, "TRUNC_PREC", true},
    {BLOSC_FILTER_NDCELL, "NDCELL", true},
    {BLOSC_FILTER_NDMEAN, "NDMEAN", true},
    {BLOSC_FILTER_BYTEDELTA_BUGGY, "BYTEDELTA_BUGGY", true},
    {BLOSC_FILTER_BYTEDELTA, "BYTEDELTA", true},
    {BLOSC_FILTER_INT_TRUNC, "INT_TRUNC", true},
};

const Name* Find(const Name* begin, const Name* end, int id) {
  const Name* const found =
      std::find_if(begin, end, [id](const Name& row) { return row.id == id; });
  return found == end ? nullptr : found;
}

std::string NameOr(const Name* row, const char* what, int id) {
  return row != nullptr ? row->name : std::string(what) + " " + std::to_string(id);
}

Status Missing(const char* what, const std::string& name) {
  return Mismatch(StatusCode::kNotSupported, what, name + ", which a plugin of c-blosc2 decodes",
                  std::string("a ") + what + " that is part of c-blosc2");
}

// Registers the codecs and filters of the library. It is never undone: there is one copy of the
// library in the plugin, for as long as the process lives.
void InitializeLibrary() {
  static const bool done = [] {
    blosc2_init();
    return true;
  }();
  static_cast<void>(done);
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

// Threads are numbered as they come, so that each finds its own context again.
size_t ThreadNumber() {
  static std::atomic<size_t> next{0};
  thread_local const size_t number = next.fetch_add(1, std::memory_order_relaxed);
  return number;
}

constexpr size_t kSlots = 64;

}  // namespace

struct BloscCodec::Impl {
  ~Impl() {
    for (auto& slot : slots) ContextPtr(slot.exchange(nullptr));
  }

  ContextPtr NewContext() const {
    blosc2_dparams parameters = BLOSC2_DPARAMS_DEFAULTS;
    parameters.nthreads = 1;
    parameters.schunk = schunk.get();
    ContextPtr context(blosc2_create_dctx(parameters));
    if (context == nullptr) throw std::bad_alloc();
    return context;
  }

  // Stands for the file: an empty super-chunk in memory with the same parameters.
  std::unique_ptr<blosc2_schunk, FreeSchunk> schunk;
  // Contexts at rest. A thread takes the one in its slot out for as long as it works with it.
  std::array<std::atomic<blosc2_context*>, kSlots> slots = {};
};

// A context for the calling thread; without a lock, and without an allocation but the first time.
class BloscCodec::Lease {
 public:
  explicit Lease(Impl& impl)
      : slot_(impl.slots[ThreadNumber() % kSlots]), context_(slot_.exchange(nullptr)) {
    if (context_ == nullptr) context_ = impl.NewContext();
  }
  ~Lease() { ContextPtr(slot_.exchange(context_.release())); }

  blosc2_context* get() const { return context_.get(); }

 private:
  std::atomic<blosc2_context*>& slot_;
  ContextPtr context_;
};

BloscCodec::BloscCodec() : impl_(std::make_unique<Impl>()) {}
BloscCodec::~BloscCodec() = default;

Result<std::unique_ptr<BloscCodec>> BloscCodec::Make(int32_t element_bytes, std::string_view b2nd) {
  InitializeLibrary();
  std::unique_ptr<BloscCodec> codec(new BloscCodec);
  blosc2_cparams compression = BLOSC2_CPARAMS_DEFAULTS;
  compression.typesize = element_bytes;
  compression.nthreads = 1;
  blosc2_dparams decompression = BLOSC2_DPARAMS_DEFAULTS;
  decompression.nthreads = 1;
  blosc2_storage storage = BLOSC2_STORAGE_DEFAULTS;
  storage.cparams = &compression;
  storage.dparams = &decompression;
  codec->impl_->schunk.reset(blosc2_schunk_new(&storage));
  if (codec->impl_->schunk == nullptr) {
    return Mismatch(StatusCode::kNotSupported, "element size", std::to_string(element_bytes),
                    "one that c-blosc2 accepts");
  }
  if (!b2nd.empty()) {
    std::string content(b2nd);
    if (blosc2_meta_add(codec->impl_->schunk.get(), "b2nd",
                        reinterpret_cast<uint8_t*>(content.data()),
                        static_cast<int32_t>(content.size())) < 0) {
      return Mismatch(StatusCode::kCorrupt, "metalayer b2nd",
                      std::to_string(content.size()) + " bytes", "one that c-blosc2 accepts");
    }
  }
  return codec;
}

Status BloscCodec::CheckSupported(const BloscChunk& chunk) {
  if (chunk.kind != ChunkKind::kBlocks || chunk.stored) return {};
  const Name* const codec = Find(std::begin(kCodecs), std::end(kCodecs), chunk.codec);
  if (codec == nullptr || !codec->built_in) return Missing("codec", CodecName(chunk.codec));
  for (const uint8_t id : chunk.filters) {
    const Name* const filter = Find(std::begin(kFilters), std::end(kFilters), id);
    if (filter == nullptr || !filter->built_in) return Missing("filter", FilterName(id));
  }
  return {};
}

bool BloscCodec::NeedsWholeChunk(const BloscChunk& chunk, int64_t block_bytes) {
  if (chunk.block_bytes != block_bytes) return true;
  if (chunk.stored) return false;
  // Deltas are to the chunk's first block, for which blosc2_getitem takes each; and it does not
  // load dictionaries.
  return chunk.has_dictionary ||
         std::find(chunk.filters.begin(), chunk.filters.end(), BLOSC_DELTA) != chunk.filters.end();
}

Status BloscCodec::DecodeBlock(std::string_view bytes, const BloscChunk& chunk, int64_t block,
                               std::byte* to) const {
  const Lease context(*impl_);
  const auto size_bytes = static_cast<int32_t>(chunk.block_bytes);
  const int result = blosc2_getitem_bytes_ctx(
      context.get(), bytes.data(), static_cast<int32_t>(bytes.size()),
      static_cast<int32_t>(block * chunk.block_bytes), size_bytes, to, size_bytes);
  return DecodeStatus(result, size_bytes);
}

Status BloscCodec::DecodeChunk(std::string_view bytes, const BloscChunk& chunk,
                               std::byte* to) const {
  // A dictionary stays in the context, and would be taken for that of the next chunk.
  const ContextPtr context = impl_->NewContext();
  const auto size_bytes = static_cast<int32_t>(chunk.uncompressed_bytes);
  const int result = blosc2_decompress_ctx(context.get(), bytes.data(),
                                           static_cast<int32_t>(bytes.size()), to, size_bytes);
  return DecodeStatus(result, size_bytes);
}

std::string CodecName(int codec) {
  return NameOr(Find(std::begin(kCodecs), std::end(kCodecs), codec), "codec", codec);
}

std::string CompressorName(int compressor) {
  switch (compressor) {
    case BLOSC_LZ4HC:
      return "LZ4HC";
    case BLOSC_ZLIB:
      return "ZLIB";
    case BLOSC_ZSTD:
      return "ZSTD";
    default:
      return CodecName(compressor);  // BLOSCLZ, LZ4 and plugins have one number for both
  }
}

std::string FilterName(int filter) {
  return NameOr(Find(std::begin(kFilters), std::end(kFilters), filter), "filter", filter);
}

}  // namespace ndarray
