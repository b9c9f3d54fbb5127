// Objects at rest, such as contexts of a library. A thread takes the one in its slot out for as
// long as it works with it: without a lock, and without an allocation but the first time.
#ifndef GDAL_NDARRAY_STORE_SLOT_POOL_H_
#define GDAL_NDARRAY_STORE_SLOT_POOL_H_

#include <array>
#include <atomic>
#include <cstddef>

namespace ndarray {

// Threads are numbered as they come, so that each finds its own slot again.
inline size_t ThreadNumber() {
  static std::atomic<size_t> next{0};
  thread_local const size_t number = next.fetch_add(1, std::memory_order_relaxed);
  return number;
}

// `Pointer` is the unique_ptr that owns an object.
template <typename Pointer>
class SlotPool {
 public:
  using Object = typename Pointer::element_type;

  SlotPool() = default;
  SlotPool(const SlotPool&) = delete;
  SlotPool& operator=(const SlotPool&) = delete;
  ~SlotPool() {
    for (auto& slot : slots_) Pointer(slot.exchange(nullptr));
  }

  // One that a thread works with, made by `make` where its slot is empty.
  class Lease {
   public:
    template <typename Make>
    Lease(SlotPool& pool, const Make& make)
        : slot_(pool.slots_[ThreadNumber() % pool.slots_.size()]),
          object_(slot_.exchange(nullptr)) {
      if (object_ == nullptr) object_ = make();
    }
    ~Lease() { Pointer(slot_.exchange(object_.release())); }

    Object* get() const { return object_.get(); }

   private:
    std::atomic<Object*>& slot_;
    Pointer object_;
  };

 private:
  std::array<std::atomic<Object*>, 64> slots_ = {};
};

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_SLOT_POOL_H_
