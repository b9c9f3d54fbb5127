// Any bytes as a ZIP archive of arrays, as the drivers read .npz and .b2z: its directory, its
// members where they lie, and what is in them.
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "driver/store/archive/crc32.h"
#include "driver/store/archive/deflated_file.h"
#include "driver/store/archive/multiscales.h"
#include "driver/store/archive/zip_directory.h"
#include "driver/store/b2nd/b2nd_array.h"
#include "driver/store/frame/plain_frame.h"
#include "driver/store/io/sub_file.h"
#include "driver/store/msgpack.h"
#include "driver/store/npy/npy_array.h"
#include "tests/fuzz/fuzz_support.h"
#include "tests/support/memory_file.h"

namespace ndarray::fuzz {
namespace {

constexpr size_t kMaxMembers = 16;          // opened of one archive
constexpr uint64_t kMaxContent = 4096;      // read of one frame
constexpr uint64_t kMaxUnpacked = 1 << 16;  // of one deflated member

void RunPyramid(const PlainFrame& frame, const ZipDirectory& directory) {
  for (const AttributeInfo& info : frame.List()) {
    const Result<std::string> packed = frame.Read(info.name, 1 << 16);
    if (!packed.ok()) continue;
    int64_t max_values = kMaxMsgpackValues;
    const Result<nlohmann::json> value = ParseMsgpack(*packed, max_values);
    if (!value.ok()) continue;
    const auto levels = PyramidLevels(*value, [&](const std::string& asset) {
      return directory.Find(asset + ".b2nd") != nullptr ? asset : std::string();
    });
    Check(!levels.ok() || !levels->empty());
    CheckResult(levels);
  }
}

void RunMember(const std::shared_ptr<ByteFile>& file, const ZipDirectory& directory) {
  CheckResult(OpenNpyArray(file, 1));
  CheckResult(OpenB2ndArray(file, 1));
  const Result<std::shared_ptr<const PlainFrame>> frame = PlainFrame::Open(file);
  if (!frame.ok()) return CheckFailure(frame.status());
  RunPyramid(**frame, directory);
  const uint64_t size = std::min((*frame)->content_bytes(), kMaxContent);
  const Result<std::string> content = (*frame)->ReadContent(0, size);
  if (!content.ok()) return CheckFailure(content.status());
  Check(content->size() == size);
}

// Any part of it, in any order, is that of the whole.
void RunDeflated(const ZipMember& member, std::shared_ptr<ByteFile> packed) {
  const DeflatedFile file("part", std::move(packed), member.size_bytes);
  const uint64_t size = std::min(member.size_bytes, kMaxUnpacked);
  std::string whole;
  const Status status = ReadBytes(file, 0, size, whole);
  if (!status.ok()) return CheckFailure(status);
  for (const uint64_t at : {size / 2, uint64_t{0}, size - size / 3}) {
    std::string part;
    Check(ReadBytes(file, at, size - at, part).ok());
    Check(part == whole.substr(at));
  }
}

void Run(std::string_view bytes) {
  const auto file = std::make_shared<testing::MemoryFile>(bytes);
  const Result<ZipDirectory> directory = ZipDirectory::Read(*file);
  if (!directory.ok()) return CheckFailure(directory.status());
  Check(EndsWithZip(*file));
  Check(directory->bytes_before() + directory->bytes_after() <= bytes.size());
  size_t members = 0;
  for (const ZipMember& member : directory->members()) {
    if (++members > kMaxMembers) break;
    const ZipMember* const found = directory->Find(member.name);
    Check(found != nullptr && found->name == member.name);
    Check(directory->IsFound(member) == (found == &member) && directory->IsFound(*found));
    const Result<uint64_t> offset = ZipMemberOffset(*file, member);
    if (!offset.ok()) {
      CheckFailure(offset.status());
      continue;
    }
    const auto part = SubFile::Open("part", file, *offset, member.packed_bytes);
    Check(part.ok());
    CheckResult(Crc32Of(**part));
    RunMember(*part, *directory);
    if (member.method == zip_method::kDeflated) RunDeflated(member, *part);
  }
}

}  // namespace
}  // namespace ndarray::fuzz

NDARRAY_FUZZ_TARGET(ndarray::fuzz::Run)
