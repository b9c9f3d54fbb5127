// One array of a file while it is open through the multidimensional API. Shared by what GDAL hands
// out of it (dataset, group, array, dimensions), which may be released in any order.
//
// Threads: of arrays that are only read, any number may read; writers take turns.
#ifndef GDAL_NDARRAY_RASTER_MULTIDIM_OPEN_ARRAY_H_
#define GDAL_NDARRAY_RASTER_MULTIDIM_OPEN_ARRAY_H_

#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "driver/raster/multidim/array_facts.h"
#include "driver/raster/multidim/element_type.h"
#include "driver/store/array.h"

namespace ndarray {

class OpenArray {
 public:
  OpenArray(std::shared_ptr<Array> array, ArrayFacts facts)
      : array_(std::move(array)), element_(PlanElement(array_->info())), facts_(std::move(facts)) {}
  // Flushes; errors are GDAL errors.
  ~OpenArray();
  OpenArray(const OpenArray&) = delete;
  OpenArray& operator=(const OpenArray&) = delete;

  const Array& array() const { return *array_; }
  WritableArray* writable() { return array_->writable(); }
  const ElementPlan& element() const { return element_; }
  const ArrayFacts& facts() const { return facts_; }

  // Of an array that was made new, to be changed; the next flush keeps them with the file.
  ArrayFacts& EditFacts() {
    is_new_ = facts_changed_ = true;
    return facts_;
  }
  bool is_new() const { return is_new_; }

  // As WritableArray::TakeChunks. REQUIRES: writable()
  Status TakeChunks(const OpenArray& from, const Box& box);

  // What has been written is in the file after it, and what was said of the array.
  CPLErr Flush();

  // Held while an array that is open for update is read or written.
  std::unique_lock<std::mutex> LockForUpdate() {
    return writable() != nullptr ? std::unique_lock<std::mutex>(mutex_)
                                 : std::unique_lock<std::mutex>();
  }

 private:
  const std::shared_ptr<Array> array_;
  const ElementPlan element_;
  ArrayFacts facts_;
  bool is_new_ = false;
  bool facts_changed_ = false;
  std::mutex mutex_;
};

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_MULTIDIM_OPEN_ARRAY_H_
