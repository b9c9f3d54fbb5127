#include "driver/raster/files/vsi_file.h"

#include <cpl_conv.h>
#include <cpl_error.h>
#include <cpl_string.h>
#include <cpl_vsi.h>

#include <algorithm>
#include <mutex>

#include "driver/raster/files/lock_timeout.h"
#include "driver/raster/files/vsi_request.h"
#include "driver/store/io/range_requests.h"

namespace ndarray {
namespace {

struct CloseVsi {
  void operator()(VSILFILE* file) const { VSIFCloseL(file); }
};
using VsiHandle = std::unique_ptr<VSILFILE, CloseVsi>;

Status VsiStatus(const std::string& path, const std::string& verb) {
  return Status(StatusCode::kIo, path + ": cannot " + verb);
}

// A request over a network costs about as much as two megabytes (a round trip of some 20 ms at 100
// MB/s), and so many of them share that time. More at once than this exhaust the open files of a
// process and the queues of small servers.
constexpr size_t kMaxInFlight = 32;
constexpr uint64_t kRemoteGapBytes = (uint64_t{2} << 20) / kMaxInFlight;
constexpr RequestLimits kRemoteLimits = {kMaxInFlight, kRemoteGapBytes, uint64_t{4} << 20,
                                         uint64_t{16} << 20};
// The others only copy memory or decode.
constexpr RequestLimits kLocalLimits = {SIZE_MAX, 0, 0, 0};

// Is written only where it was opened for update, which who opened it sees to.
class VsiFile final : public WritableFile {
 public:
  VsiFile(const std::string& path, VsiHandle handle, uint64_t size_bytes)
      : WritableFile(path, size_bytes),
        handle_(std::move(handle)),
        is_remote_(IsRemotePath(path)),
        takes_many_ranges_(VSIHasOptimizedReadMultiRange(path.c_str()) != FALSE) {
    if (is_remote_) set_cheap_gap_bytes(kRemoteGapBytes);
  }

  // In rising order, too: an archive is decoded again from its start for each step back.
  Status Read(const std::vector<ByteRange>& ranges) const override {
    const std::lock_guard<std::mutex> lock(mutex_);
    return ReadInRequests(ranges, is_remote_ ? kRemoteLimits : kLocalLimits,
                          [this](const std::vector<ByteRange>& some) { return Request(some); });
  }

  Status WriteAt(uint64_t offset_bytes, const void* from, size_t size_bytes) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (VSIFSeekL(handle_.get(), offset_bytes, SEEK_SET) != 0 ||
        VSIFWriteL(from, 1, size_bytes, handle_.get()) != size_bytes) {
      return VsiStatus(path(), "write " + std::to_string(size_bytes) + " bytes");
    }
    return {};
  }

  Status Flush() override {
    const std::lock_guard<std::mutex> lock(mutex_);
    return VSIFFlushL(handle_.get()) == 0 ? Status() : VsiStatus(path(), "flush");
  }

 private:
  Status Request(const std::vector<ByteRange>& ranges) const {
    const ErrorCollector errors;
    // Where a file system has no way of its own for many ranges, GDAL's does not suit all of them
    // (SOZip archives are read in whole pieces).
    const ByteRange* failed = takes_many_ranges_ ? ReadTogether(ranges) : ReadEach(ranges);
    if (failed != nullptr && takes_many_ranges_ && ranges.size() == 1 && errors.last().empty()) {
      failed = ReadHalves(ranges[0]);
    }
    if (failed == nullptr) return {};
    const uint64_t last = failed->offset_bytes + failed->size_bytes - 1;
    Status status = VsiStatus(path(), "read bytes " + std::to_string(failed->offset_bytes) +
                                          " to " + std::to_string(last));
    std::string why = errors.last();
    if (is_remote_) why = ExplainHttpFailure(why);
    return why.empty() ? status : Status(status.code(), status.message() + ": " + why);
  }

  // nullptr, or a range that could not be read.
  const ByteRange* ReadTogether(const std::vector<ByteRange>& ranges) const {
    std::vector<void*> buffers;
    std::vector<vsi_l_offset> offsets;
    std::vector<size_t> sizes;
    for (const ByteRange& range : ranges) {
      buffers.push_back(range.to);
      offsets.push_back(range.offset_bytes);
      sizes.push_back(range.size_bytes);
    }
    const int failed = VSIFReadMultiRangeL(static_cast<int>(ranges.size()), buffers.data(),
                                           offsets.data(), sizes.data(), handle_.get());
    return failed == 0 ? nullptr : &ranges.front();
  }

  // GDAL says why one of several ranges failed, but not why a single one did.
  const ByteRange* ReadHalves(const ByteRange& range) const {
    const size_t half = range.size_bytes / 2;
    if (half == 0) return &range;
    void* const second = static_cast<std::byte*>(range.to) + half;
    return ReadTogether({{range.offset_bytes, half, range.to},
                         {range.offset_bytes + half, range.size_bytes - half, second}}) == nullptr
               ? nullptr
               : &range;
  }

  const ByteRange* ReadEach(const std::vector<ByteRange>& ranges) const {
    for (const ByteRange& range : ranges) {
      if (VSIFSeekL(handle_.get(), range.offset_bytes, SEEK_SET) != 0 ||
          VSIFReadL(range.to, 1, range.size_bytes, handle_.get()) != range.size_bytes) {
        return &range;
      }
    }
    return nullptr;
  }

  const VsiHandle handle_;
  const bool is_remote_;
  const bool takes_many_ranges_;
  mutable std::mutex mutex_;  // the handle has one position
};

class VsiOutputFile final : public OutputFile {
 public:
  VsiOutputFile(std::string path, std::string written, VsiHandle handle)
      : OutputFile(std::move(path)), written_(std::move(written)), handle_(std::move(handle)) {}

  ~VsiOutputFile() override {
    if (committed_) return;
    handle_.reset();
    VSIUnlink(written_.c_str());
  }

  // The size comes with the last byte, since some virtual files can only grow at their end. None is
  // sparse.
  Status Resize(uint64_t size_bytes) override {
    size_bytes_ = size_bytes;
    return CheckFreeSpace(path(), size_bytes);
  }
  Status Reserve(uint64_t size_bytes) override { return CheckFreeSpace(path(), size_bytes); }

  Status WriteAt(uint64_t offset_bytes, const void* from, size_t size_bytes) override {
    if (offset_bytes != at_ && VSIFSeekL(handle_.get(), offset_bytes, SEEK_SET) != 0) {
      return VsiStatus(path(), "seek to byte " + std::to_string(offset_bytes));
    }
    if (VSIFWriteL(from, 1, size_bytes, handle_.get()) != size_bytes) {
      return VsiStatus(path(), "write " + std::to_string(size_bytes) + " bytes");
    }
    at_ = offset_bytes + size_bytes;
    end_ = std::max(end_, at_);
    return {};
  }

  bool CanRewrite() const override {
    return !IsStandardOutput(path()) && VSISupportsRandomWrite(path().c_str(), FALSE) != 0;
  }

  // Where the content has its name already, closing is what publishes it.
  Status Complete() override { return written_ != path() ? Close() : Status(); }

  Status Commit() override {
    Status status = Close();
    if (!status.ok()) return status;
    if (written_ != path() && VSIRename(written_.c_str(), path().c_str()) != 0) {
      return VsiStatus(path(), "replace");
    }
    committed_ = true;
    return {};
  }

 private:
  Status Close() {
    if (handle_ == nullptr) return {};
    if (end_ < size_bytes_ && VSIFTruncateL(handle_.get(), size_bytes_) != 0) {
      return VsiStatus(path(), "make a file of " + std::to_string(size_bytes_) +
                                   " bytes before they are written");
    }
    return VSIFCloseL(handle_.release()) == 0 ? Status() : VsiStatus(path(), "close");
  }

  const std::string written_;  // the name it has until it is complete
  VsiHandle handle_;
  uint64_t at_ = 0;   // where the handle is
  uint64_t end_ = 0;  // of what was written
  uint64_t size_bytes_ = 0;
  bool committed_ = false;
};

Result<std::shared_ptr<WritableFile>> OpenVsiFile(const std::string& path, Access access) {
  VsiHandle handle(VSIFOpenL(path.c_str(), access == Access::kUpdate ? "rb+" : "rb"));
  if (handle == nullptr) {
    return Status(
        StatusCode::kNotFound,
        path + (access == Access::kUpdate ? ": cannot open for update" : ": cannot open"));
  }
  if (VSIFSeekL(handle.get(), 0, SEEK_END) != 0) return VsiStatus(path, "seek to the end");
  const uint64_t size_bytes = VSIFTellL(handle.get());
  return std::shared_ptr<WritableFile>(
      std::make_shared<VsiFile>(path, std::move(handle), size_bytes));
}

}  // namespace

bool IsVirtualPath(const std::string& path) { return STARTS_WITH(path.c_str(), "/vsi"); }

bool IsStandardOutput(const std::string& path) { return STARTS_WITH(path.c_str(), "/vsistdout"); }

bool FindFile(const std::string& path, VSIStatBufL& about) {
  const CPLErrorStateBackuper errors_so_far;
  const CPLErrorHandlerPusher quiet(CPLQuietErrorHandler);
  return VSIStatL(path.c_str(), &about) == 0;
}

Result<std::shared_ptr<ByteFile>> OpenByteFile(const std::string& path, const MapPolicy& policy) {
  if (!IsVirtualPath(path)) return OpenLocalFile(path, policy);
  Result<std::shared_ptr<WritableFile>> file = OpenVsiFile(path, Access::kRead);
  if (!file.ok()) return file.status();
  return std::shared_ptr<ByteFile>(std::move(*file));
}

Result<std::shared_ptr<WritableFile>> OpenWritableFile(const std::string& path,
                                                       const MapPolicy& policy) {
  return IsVirtualPath(path) ? OpenVsiFile(path, Access::kUpdate)
                             : OpenLocalFileForUpdate(path, policy);
}

Result<SharedFile> OpenUpdateFile(const std::string& path, Joining joining) {
  if (!IsVirtualPath(path)) return OpenSharedFile(path, joining, LockTimeout());
  Result<std::shared_ptr<WritableFile>> file = OpenVsiFile(path, Access::kUpdate);
  if (!file.ok()) return file.status();
  return SharedFile{std::move(*file), nullptr};
}

Status CheckFreeSpace(const std::string& path, uint64_t size_bytes) {
  if (!CPLTestBool(CPLGetConfigOption("CHECK_DISK_FREE_SPACE", "YES"))) return {};
  const GIntBig free_bytes = VSIGetDiskFreeSpace(CPLGetDirname(path.c_str()));
  if (free_bytes < 0 || static_cast<uint64_t>(free_bytes) >= size_bytes) return {};
  return Status(StatusCode::kIo, path + ": no space left for " + std::to_string(size_bytes) +
                                     " bytes, only for " + std::to_string(free_bytes) +
                                     " (CHECK_DISK_FREE_SPACE=NO writes as much as fits)");
}

Result<std::unique_ptr<OutputFile>> CreateOutputFile(const std::string& path) {
  if (!IsVirtualPath(path)) return CreateLocalFile(path);
  // An empty file holds nothing to keep, and may be open elsewhere to take the content up, as
  // rasterio's MemoryFile does.
  VSIStatBufL existing;
  const bool empty = VSIStatL(path.c_str(), &existing) == 0 && existing.st_size == 0;
  const bool replaces =
      !empty && !IsStandardOutput(path) && VSISupportsRandomWrite(path.c_str(), FALSE) != 0;
  const std::string written = replaces ? path + ".partial" : path;
  VsiHandle handle(VSIFOpenL(written.c_str(), "wb"));
  if (handle == nullptr) return VsiStatus(path, "create");
  return std::unique_ptr<OutputFile>(
      std::make_unique<VsiOutputFile>(path, written, std::move(handle)));
}

Result<std::shared_ptr<WritableFile>> CreateScratch(const std::string& path) {
  if (!IsVirtualPath(path)) return CreateScratchFile(path);
  const std::string name = path + ".scratch";
  { const VsiHandle empty(VSIFOpenL(name.c_str(), "wb")); }
  Result<std::shared_ptr<WritableFile>> file = OpenVsiFile(name, Access::kUpdate);
  VSIUnlink(name.c_str());  // its content stays until it is closed
  return file;
}

}  // namespace ndarray
