#include "tools/gdal_ndarray/convert/tiff_handle.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstring>

#include "tools/gdal_ndarray/command.h"

namespace ndarray::tools {
namespace {

constexpr size_t kHeaderBytes = 16;                      // of a BigTIFF; 8 of the older format
constexpr tmsize_t kMaxSingleBytes = tmsize_t{1} << 30;  // that libtiff may allocate for itself

struct FreeOptions {
  void operator()(TIFFOpenOptions* options) const { TIFFOpenOptionsFree(options); }
};

// In big-endian or little-endian order.
template <typename T>
void Put(T value, bool big_endian, unsigned char* to) {
  for (size_t i = 0; i < sizeof(T); ++i) {
    to[big_endian ? sizeof(T) - 1 - i : i] = static_cast<unsigned char>(value >> (8 * i));
  }
}

}  // namespace

struct TiffHandle::Stream {
  const ByteFile& file;
  unsigned char header[kHeaderBytes] = {};
  uint64_t position = 0;
  std::string error;

  Stream(const ByteFile& of, uint64_t page_offset) : file(of) {
    const size_t size = std::min<uint64_t>(kHeaderBytes, file.size_bytes());
    Check(file.Read({{0, size, header}}));
    if (page_offset == 0) return;
    const bool big_endian = header[0] == 'M';
    const bool big_tiff = header[big_endian ? 3 : 2] == 43;
    if (big_tiff) {
      Put(page_offset, big_endian, header + 8);
    } else {
      Put(static_cast<uint32_t>(page_offset), big_endian, header + 4);
    }
  }

  static Stream& Of(thandle_t handle) { return *static_cast<Stream*>(handle); }

  static tmsize_t Read(thandle_t handle, void* to, tmsize_t size) {
    Stream& stream = Of(handle);
    const uint64_t end = stream.file.size_bytes();
    if (size < 0 || stream.position >= end) return 0;
    const auto count = std::min(static_cast<uint64_t>(size), end - stream.position);
    const uint64_t at = stream.position;
    const Status status = stream.file.Read({{at, count, to}});
    if (!status.ok()) {
      if (stream.error.empty()) stream.error = status.message();
      return -1;
    }
    if (at < kHeaderBytes) {
      std::memcpy(to, stream.header + at, std::min<uint64_t>(count, kHeaderBytes - at));
    }
    stream.position += count;
    return static_cast<tmsize_t>(count);
  }

  static tmsize_t Write(thandle_t, void*, tmsize_t) { return -1; }

  static toff_t Seek(thandle_t handle, toff_t offset, int whence) {
    Stream& stream = Of(handle);
    const toff_t from = whence == SEEK_SET   ? 0
                        : whence == SEEK_CUR ? stream.position
                                             : stream.file.size_bytes();
    return stream.position = from + offset;
  }

  static int Close(thandle_t) { return 0; }
  static toff_t Size(thandle_t handle) { return Of(handle).file.size_bytes(); }
  static int Map(thandle_t, void**, toff_t*) { return 0; }
  static void Unmap(thandle_t, void*, toff_t) {}

  // The first error says why, in one line. Returns 1: no other handler is called.
  static int OnError(TIFF*, void* stream, const char*, const char* format, va_list arguments) {
    std::string& error = static_cast<Stream*>(stream)->error;
    char text[512];
    std::vsnprintf(text, sizeof(text), format, arguments);
    if (!error.empty()) return 1;
    error = text;
    std::replace(error.begin(), error.end(), '\n', ' ');
    return 1;
  }

  static int OnWarning(TIFF*, void*, const char*, const char*, va_list) { return 1; }
};

bool IsTiff(const ByteFile& file) {
  if (file.size_bytes() < 8) return false;
  char start[4];
  if (!file.Read({{0, sizeof(start), start}}).ok()) return false;
  for (const char* const magic : {"II*\0", "MM\0*", "II+\0", "MM\0+"}) {
    if (std::memcmp(start, magic, sizeof(start)) == 0) return true;
  }
  return false;
}

TiffHandle::TiffHandle(const ByteFile& file, uint64_t page_offset, size_t number)
    : stream_(std::make_unique<Stream>(file, page_offset)), number_(number) {
  const std::unique_ptr<TIFFOpenOptions, FreeOptions> options(TIFFOpenOptionsAlloc());
  TIFFOpenOptionsSetMaxSingleMemAlloc(options.get(), kMaxSingleBytes);
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), Stream::OnError, stream_.get());
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), Stream::OnWarning, nullptr);
  // O: the table of strips or tiles is not read but where it is asked for.
  tiff_ = TIFFClientOpenExt(file.path().c_str(), "rO", stream_.get(), Stream::Read, Stream::Write,
                            Stream::Seek, Stream::Close, Stream::Size, Stream::Map, Stream::Unmap,
                            options.get());
  if (tiff_ == nullptr) Fail("cannot be read");
}

TiffHandle::~TiffHandle() {
  if (tiff_ != nullptr) TIFFClose(tiff_);
}

bool TiffHandle::Next() {
  if (TIFFLastDirectory(tiff_) != 0) return false;
  ++number_;
  if (TIFFReadDirectory(tiff_) != 1) Fail("cannot be read");
  return true;
}

void TiffHandle::Fail(const std::string& otherwise) const {
  throw Failure(stream_->file.path() + ": page " + std::to_string(number_) + ": " +
                (stream_->error.empty() ? otherwise : stream_->error));
}

}  // namespace ndarray::tools
