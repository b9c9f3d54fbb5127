// Changes of frames that leave their lengths right, so that they reach what is behind those: one
// part of a frame (metalayers, chunks, index, trailer) is changed by libFuzzer, and the header says
// how long it is now. Every fourth change is of all bytes alike.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "driver/store/blosc2/frame_header.h"
#include "driver/store/blosc2/frame_trailer.h"
#include "driver/store/frame/frame_fingerprint.h"
#include "tests/fuzz/repaired_checks.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);
extern "C" __attribute__((visibility("default"))) size_t LLVMFuzzerCustomMutator(uint8_t* data,
                                                                                 size_t size,
                                                                                 size_t max_size,
                                                                                 unsigned int seed);

namespace ndarray {
namespace {

constexpr size_t kHeaderBytesAt = 11;
constexpr size_t kTrailerLengthAt = 22;  // from the end

// The parts, one after another.
struct Parts {
  std::string fixed, layers, chunks, tail;  // tail: index and trailer
  int64_t uncompressed_bytes = 0;
};

bool Split(std::string_view bytes, Parts& parts) {
  const Result<FrameHeader> header = ParseFrameHeader(bytes);
  if (!header.ok() || header->is_sparse || header->frame_bytes > bytes.size()) return false;
  const auto chunks_bytes = static_cast<size_t>(header->compressed_bytes);
  parts.fixed = bytes.substr(0, kFrameHeaderMinBytes);
  parts.layers = bytes.substr(kFrameHeaderMinBytes, header->header_bytes - kFrameHeaderMinBytes);
  parts.chunks = bytes.substr(header->header_bytes, chunks_bytes);
  parts.tail = bytes.substr(header->header_bytes + chunks_bytes,
                            header->frame_bytes - header->header_bytes - chunks_bytes);
  parts.uncompressed_bytes = header->uncompressed_bytes;
  return true;
}

std::string Joined(Parts parts) {
  const size_t header_bytes = kFrameHeaderMinBytes + parts.layers.size();
  const size_t all = header_bytes + parts.chunks.size() + parts.tail.size();
  for (size_t i = 0; i < 4; ++i) {
    parts.fixed[kHeaderBytesAt + i] = static_cast<char>(header_bytes >> (24 - 8 * i) & 0xFF);
  }
  PutFrameLengths(parts.fixed, all, parts.uncompressed_bytes,
                  static_cast<int64_t>(parts.chunks.size()));
  return parts.fixed + parts.layers + parts.chunks + parts.tail;
}

void Mutate(std::string& part, size_t room) {
  const size_t size = part.size();
  part.resize(size + std::min<size_t>(room, 64));
  part.resize(LLVMFuzzerMutate(reinterpret_cast<uint8_t*>(part.data()), size, part.size()));
}

// Of a trailer that becomes longer or shorter, its own length does, too.
void MutateTail(std::string& tail, size_t room) {
  const size_t before = tail.size();
  Mutate(tail, room);
  if (tail.size() < kTrailerLengthAt || tail.size() == before) return;
  uint32_t length = 0;
  char* const at = tail.data() + tail.size() - kTrailerLengthAt;
  for (int i = 0; i < 4; ++i) length = length << 8 | static_cast<unsigned char>(at[i]);
  length += static_cast<uint32_t>(tail.size() - before);
  for (int i = 0; i < 4; ++i) at[i] = static_cast<char>(length >> (24 - 8 * i) & 0xFF);
}

void RepairFingerprint(std::string& frame, size_t header_bytes, size_t index_at) {
  const Result<uint64_t> trailer_bytes =
      FrameTrailerBytes(std::string_view(frame).substr(frame.size() - kFrameTrailerMinBytes));
  if (!trailer_bytes.ok() || *trailer_bytes > frame.size() - index_at) return;
  const size_t trailer_at = frame.size() - static_cast<size_t>(*trailer_bytes);
  std::string trailer = frame.substr(trailer_at);
  const auto found = ParseFingerprint(trailer);
  const Result<BloscChunk> index = ParseChunkHeader(
      std::string_view(frame).substr(index_at, trailer_at - index_at), trailer_at - index_at);
  if (!found || !index.ok()) return;
  PutFingerprint(
      trailer, found->every_chunk, found->no_checksums,
      SumHeader(std::string_view(frame).substr(0, header_bytes)),
      std::string_view(frame).substr(index_at, static_cast<size_t>(index->compressed_bytes)));
  frame.replace(trailer_at, trailer.size(), trailer);
}

void RepairChecks(std::string& frame) {
  const Result<FrameHeader> header = ParseFrameHeader(frame);
  if (!header.ok() || header->frame_bytes != frame.size()) return;
  const auto header_bytes = static_cast<size_t>(header->header_bytes);
  const size_t index_at = header_bytes + static_cast<size_t>(header->compressed_bytes);
  size_t at = header_bytes;
  for (size_t size = 1; size > 0 && at < index_at; at += size) size = fuzz::RepairChunk(frame, at);
  RepairFingerprint(frame, header_bytes, index_at);
}

}  // namespace
}  // namespace ndarray

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned int seed) {
  ndarray::Parts parts;
  if (seed % 4 == 0 || !ndarray::Split({reinterpret_cast<const char*>(data), size}, parts)) {
    return LLVMFuzzerMutate(data, size, max_size);
  }
  const size_t room = max_size > size ? max_size - size : 0;
  switch (seed / 4 % 4) {
    case 0:
      ndarray::Mutate(parts.layers, room);
      break;
    case 1:
      ndarray::MutateTail(parts.tail, room);
      break;
    default:  // most of what is read is there
      ndarray::Mutate(parts.chunks, room);
  }
  std::string joined = ndarray::Joined(std::move(parts));
  if (seed / 16 % 4 != 0) ndarray::RepairChecks(joined);
  if (joined.size() > max_size) return LLVMFuzzerMutate(data, size, max_size);
  std::copy(joined.begin(), joined.end(), data);
  return joined.size();
}
