#include "driver/store/io/resident_limit.h"

#include <algorithm>

#include "driver/store/fork_guard.h"

namespace ndarray {
namespace {

constexpr uint64_t kSegmentBytes = TouchedPages::kSegmentBytes;
constexpr uint64_t kSegmentsPerWord = 64;
// Parts this near to each other are released with what is between, of which nothing is resident:
// the kernel passes over it faster than it takes another call.
constexpr uint64_t kMaxGapSegments = (uint64_t{16} << 20) / kSegmentBytes;

// Guards the members of all limits; held while maps are added, removed and released.
std::mutex& MembersMutex() {
  static auto* const mutex = [] {
    auto* const made = new std::mutex;  // outlives every user
    GuardAcrossForks(*made);
    return made;
  }();
  return *mutex;
}

// Pages that the kernel reads ahead in one piece may be mapped as one: so far around what was
// noted.
constexpr uint64_t kMarginBytes = uint64_t{2} << 20;

int CountBits(uint64_t word) { return __builtin_popcountll(word); }

}  // namespace

ResidentLimit& ResidentLimit::Process() {
  static auto* const limit = new ResidentLimit(kDefaultMaxBytes);  // outlives every user
  return *limit;
}

void ResidentLimit::Count(uint64_t bytes) {
  if (touched_bytes_.fetch_add(bytes, std::memory_order_relaxed) + bytes > max_bytes_) ReleaseAll();
}

void ResidentLimit::ReleaseAll() {
  // Those who come while another thread is at it wait: they would read on beyond the bound.
  const std::lock_guard<std::mutex> lock(MembersMutex());
  if (touched_bytes_.load(std::memory_order_relaxed) <= max_bytes_) return;
  for (TouchedPages* const pages : members_) touched_bytes_ -= pages->Release();
}

TouchedPages::~TouchedPages() {
  if (!started_) return;
  const std::lock_guard<std::mutex> lock(MembersMutex());
  std::vector<TouchedPages*>& members = limit_.members_;
  members.erase(std::remove(members.begin(), members.end(), this), members.end());
  for (const std::atomic<uint64_t>& word : words_) {
    limit_.touched_bytes_ -= static_cast<uint64_t>(CountBits(word)) * kSegmentBytes;
  }
}

void TouchedPages::Start() {
  const std::lock_guard<std::mutex> lock(MembersMutex());
  if (started_) return;
  skew_bytes_ = reinterpret_cast<uintptr_t>(map_.start()) % kSegmentBytes;
  const uint64_t segments = (skew_bytes_ + map_.size_bytes()) / kSegmentBytes + 1;
  words_ = std::vector<std::atomic<uint64_t>>(segments / kSegmentsPerWord + 1);
  limit_.members_.push_back(this);
  started_.store(true, std::memory_order_release);
}

void TouchedPages::Note(uint64_t offset_bytes, uint64_t size_bytes) {
  if (size_bytes == 0) return;
  if (!started_.load(std::memory_order_acquire)) Start();
  const uint64_t last = (skew_bytes_ + offset_bytes + size_bytes - 1) / kSegmentBytes;
  uint64_t fresh = 0;
  for (uint64_t at = (skew_bytes_ + offset_bytes) / kSegmentBytes; at <= last; ++at) {
    std::atomic<uint64_t>& word = words_[at / kSegmentsPerWord];
    const uint64_t bit = uint64_t{1} << at % kSegmentsPerWord;
    if ((word.load(std::memory_order_relaxed) & bit) != 0) continue;
    fresh += (word.fetch_or(bit, std::memory_order_relaxed) & bit) == 0 ? 1 : 0;
  }
  if (fresh > 0) limit_.Count(fresh * kSegmentBytes);
}

// Returns the bytes of what it released.
uint64_t TouchedPages::Release() {
  uint64_t released = 0;
  uint64_t first = 0;
  uint64_t stop = 0;  // [first, stop): segments found so far
  const auto release = [&] {
    if (first == stop) return;
    const uint64_t start = std::max(first * kSegmentBytes, skew_bytes_ + kMarginBytes);
    map_.Release(start - skew_bytes_ - kMarginBytes,
                 stop * kSegmentBytes - start + 2 * kMarginBytes);
  };
  for (uint64_t i = 0; i < words_.size(); ++i) {
    if (words_[i].load(std::memory_order_relaxed) == 0) continue;
    const uint64_t bits = words_[i].exchange(0, std::memory_order_relaxed);
    if (bits == 0) continue;
    released += static_cast<uint64_t>(CountBits(bits));
    const auto low = i * kSegmentsPerWord + static_cast<uint64_t>(__builtin_ctzll(bits));
    const auto high = i * kSegmentsPerWord + 64 - static_cast<uint64_t>(__builtin_clzll(bits));
    if (low > stop + kMaxGapSegments) {
      release();
      first = low;
    } else if (first == stop) {
      first = low;
    }
    stop = high;
  }
  release();
  return released * kSegmentBytes;
}

}  // namespace ndarray
