#include "driver/store/frame/shared_indexes.h"

#include <iterator>

#include "driver/store/fork_guard.h"

namespace ndarray {

SharedIndexes& SharedIndexes::Process() {
  static auto* const indexes = new SharedIndexes;  // outlives every user
  return *indexes;
}

SharedIndexes::SharedIndexes() { GuardAcrossForks(mutex_); }

std::shared_ptr<const FrameIndex> SharedIndexes::Find(const std::string& frame) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = indexes_.find(frame);
  return found == indexes_.end() ? nullptr : found->second.lock();
}

std::shared_ptr<const FrameIndex> SharedIndexes::Add(const std::string& frame,
                                                     std::shared_ptr<const FrameIndex> index) {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (auto it = indexes_.begin(); it != indexes_.end();) {
    it = it->second.expired() ? indexes_.erase(it) : std::next(it);
  }
  std::weak_ptr<const FrameIndex>& slot = indexes_[frame];
  if (auto first = slot.lock()) return first;
  slot = index;
  return index;
}

}  // namespace ndarray
