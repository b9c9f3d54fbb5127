#include "driver/store/io/range_requests.h"

#include <algorithm>
#include <cstring>
#include <memory>

namespace ndarray {
namespace {

uint64_t End(const ByteRange& range) { return range.offset_bytes + range.size_bytes; }

// Neighbouring ranges [first, stop) of the sorted list, read as one.
struct Joined {
  size_t first;
  size_t stop;
  uint64_t offset_bytes;
  uint64_t end_bytes;
  bool in_place;  // they follow each other in memory as in the file

  size_t size_bytes() const { return static_cast<size_t>(end_bytes - offset_bytes); }
};

class Batches {
 public:
  Batches(const std::vector<ByteRange>& sorted, const RequestLimits& limits,
          const RangeRequest& request)
      : sorted_(sorted), limits_(limits), request_(request) {}

  Status Run() {
    for (size_t next = 0; next < sorted_.size();) {
      const Joined joined = Join(next);
      next = joined.stop;
      const uint64_t scratch = joined.in_place ? 0 : joined.size_bytes();
      const bool full = joined_.size() == limits_.max_in_flight ||
                        (scratch > 0 && scratch_bytes_ + scratch > limits_.max_scratch_bytes);
      if (full && !joined_.empty()) {
        Status status = Send();
        if (!status.ok()) return status;
      }
      joined_.push_back(joined);
      scratch_bytes_ += scratch;
    }
    return joined_.empty() ? Status() : Send();
  }

 private:
  Joined Join(size_t first) const {
    Joined joined{first, first + 1, sorted_[first].offset_bytes, End(sorted_[first]), true};
    for (; joined.stop < sorted_.size(); ++joined.stop) {
      const ByteRange& next = sorted_[joined.stop];
      const uint64_t end_bytes = std::max(joined.end_bytes, End(next));
      const bool follows = joined.in_place && next.offset_bytes == joined.end_bytes &&
                           next.to == static_cast<std::byte*>(sorted_[first].to) +
                                          (next.offset_bytes - joined.offset_bytes);
      const bool near = next.offset_bytes <= joined.end_bytes ||
                        next.offset_bytes - joined.end_bytes <= limits_.max_gap_bytes;
      if (!follows && !(near && end_bytes - joined.offset_bytes <= limits_.max_joined_bytes)) {
        break;
      }
      joined.in_place = follows;
      joined.end_bytes = end_bytes;
    }
    return joined;
  }

  Status Send() {
    // Every byte of it is read before it is looked at.
    const std::unique_ptr<std::byte[]> scratch(new std::byte[scratch_bytes_]);
    std::vector<ByteRange> asked;
    asked.reserve(joined_.size());
    std::byte* free = scratch.get();
    for (const Joined& joined : joined_) {
      void* const to = joined.in_place ? sorted_[joined.first].to : free;
      if (!joined.in_place) free += joined.size_bytes();
      asked.push_back({joined.offset_bytes, joined.size_bytes(), to});
    }
    Status status = request_(asked);
    if (!status.ok()) return status;
    for (size_t i = 0; i < joined_.size(); ++i) {
      if (!joined_[i].in_place) Distribute(joined_[i], static_cast<std::byte*>(asked[i].to));
    }
    joined_.clear();
    scratch_bytes_ = 0;
    return {};
  }

  void Distribute(const Joined& joined, const std::byte* from) const {
    for (size_t i = joined.first; i < joined.stop; ++i) {
      const ByteRange& range = sorted_[i];
      std::memcpy(range.to, from + (range.offset_bytes - joined.offset_bytes), range.size_bytes);
    }
  }

  const std::vector<ByteRange>& sorted_;
  const RequestLimits& limits_;
  const RangeRequest& request_;
  std::vector<Joined> joined_;  // of the next call
  uint64_t scratch_bytes_ = 0;
};

}  // namespace

Status ReadInRequests(std::vector<ByteRange> ranges, const RequestLimits& limits,
                      const RangeRequest& request) {
  const auto empty = [](const ByteRange& range) { return range.size_bytes == 0; };
  ranges.erase(std::remove_if(ranges.begin(), ranges.end(), empty), ranges.end());
  std::sort(ranges.begin(), ranges.end(),
            [](const ByteRange& a, const ByteRange& b) { return a.offset_bytes < b.offset_bytes; });
  return Batches(ranges, limits, request).Run();
}

}  // namespace ndarray
