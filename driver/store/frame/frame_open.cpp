#include "driver/store/frame/frame_open.h"

#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "driver/store/blosc2/frame_header.h"

namespace ndarray {
namespace {

constexpr int kMaxOpenings = 25;
// So many at once; then who writes is given time.
constexpr int kOpeningsAtOnce = 5;
constexpr std::chrono::milliseconds kPause(1);

// What changes when a file does: how long it was when it was opened, what it is now, and how its
// header starts.
struct State {
  explicit State(const ByteFile& file)
      : size_bytes(file.size_bytes()),
        identity(file.Identity()),
        header(kFrameHeaderMinBytes, '\0') {
    if (size_bytes < header.size()) header.resize(size_bytes);
    if (!file.Read({{0, header.size(), header.data()}}).ok()) header.clear();
  }
  bool operator==(const State& other) const {
    return size_bytes == other.size_bytes && identity == other.identity && header == other.header;
  }

  uint64_t size_bytes;
  std::string identity;
  std::string header;
};

}  // namespace

Result<OpenedFrame> OpenFrame(std::shared_ptr<ByteFile> file, Verification verification) {
  std::optional<State> before;  // of the first opening nothing is known
  for (int opening = 1;; ++opening) {
    Result<std::shared_ptr<const FrameIndex>> index = FrameIndex::Open(*file, verification);
    if (index.ok()) return OpenedFrame{std::move(file), std::move(*index)};
    const Status& failure = index.status();
    // What is read half written looks like either.
    const bool may_pass =
        failure.code() == StatusCode::kCorrupt || failure.code() == StatusCode::kNotSupported;
    if (!may_pass || opening == kMaxOpenings) return failure;
    if (opening >= kOpeningsAtOnce) std::this_thread::sleep_for(kPause);
    Result<std::shared_ptr<ByteFile>> again = file->OpenAgain();
    if (!again.ok() || *again == nullptr) return failure;
    file = std::move(*again);
    State after(*file);
    if (before && *before == after) return failure;
    before = std::move(after);
  }
}

}  // namespace ndarray
