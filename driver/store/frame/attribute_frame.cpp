#include "driver/store/frame/attribute_frame.h"

#include <utility>

#include "driver/store/blosc2/blosc_codec.h"
#include "driver/store/blosc2/codecs.h"
#include "driver/store/blosc2/frame_header.h"
#include "driver/store/blosc2/frame_trailer.h"
#include "driver/store/frame/frame_attributes.h"

namespace ndarray {
namespace {

constexpr size_t kHeaderBytesAt = 11;  // frame_header.h

void PutNumber(std::string& to, int bytes, uint64_t value) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
    to.push_back(static_cast<char>(value >> shift & 0xff));
  }
}

// The end of a header with one metalayer: its name, where its content is, its content.
void AppendMetalayer(const Attribute& metalayer, std::string& header) {
  const auto& [name, content] = metalayer;
  header.resize(kFrameHeaderMinBytes);
  header += '\x93';
  header += '\xcd';
  PutNumber(header, 2, 7 + 1 + name.size() + 5);  // bytes of the names
  header += '\xde';
  PutNumber(header, 2, 1);
  header += static_cast<char>(0xa0 | name.size());
  header += name;
  header += '\xd2';
  PutNumber(header, 4, header.size() + 4 + 3);
  header += '\xdc';
  PutNumber(header, 2, 1);
  header += '\xc6';
  PutNumber(header, 4, content.size());
  header += content;
  std::string bytes;
  PutNumber(bytes, 4, header.size());
  header.replace(kHeaderBytesAt, bytes.size(), bytes);
}

}  // namespace

Result<std::string> MakeAttributeFrame(const Attribute& metalayer,
                                       const std::vector<Attribute>& attributes,
                                       int32_t chunk_bytes) {
  Compression compression;
  compression.compressor = compressor_id::kZstd;
  compression.level = 5;
  compression.pipeline = PipelineOf(filter_id::kShuffle, 1);
  Result<std::unique_ptr<BloscEncoder>> encoder = BloscEncoder::Make(compression, 1, 0, "");
  if (!encoder.ok()) return encoder.status();
  Result<std::string> header = (*encoder)->MakeFrameHeader();
  if (!header.ok()) return header.status();
  if (!metalayer.first.empty()) AppendMetalayer(metalayer, *header);
  if (attributes.size() > kMaxAttributes) {
    return Mismatch(StatusCode::kInvalidArgument, "attributes", std::to_string(attributes.size()),
                    "at most " + std::to_string(kMaxAttributes));
  }
  std::vector<Attribute> contents;
  for (const auto& [name, value] : attributes) {
    Result<std::string> content = EncodeAttribute(name, value);
    if (!content.ok()) return content.status();
    contents.emplace_back(name, std::move(*content));
  }
  const std::string trailer = FormatFrameTrailer(contents);
  if (!attributes.empty()) PutHasAttributes(*header);
  PutFrameLengths(*header, header->size() + trailer.size(), 0, 0);
  PutChunkSizes(*header, chunk_bytes, 0);
  return *header + trailer;
}

}  // namespace ndarray
