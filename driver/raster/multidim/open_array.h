// One array of a file while it is open through the multidimensional API. Shared by what GDAL hands
// out of it (dataset, group, array, dimensions), which may be released in any order.
//
// Threads: of arrays that are only read, any number may read; writers take turns.
#ifndef GDAL_NDARRAY_RASTER_MULTIDIM_OPEN_ARRAY_H_
#define GDAL_NDARRAY_RASTER_MULTIDIM_OPEN_ARRAY_H_

#include <cstddef>
#include <memory>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

#include "driver/raster/multidim/array_facts.h"
#include "driver/raster/multidim/element_type.h"
#include "driver/raster/multidim/element_window.h"
#include "driver/raster/multidim/unwritten.h"
#include "driver/store/array.h"

namespace ndarray {

class OpenArray {
 public:
  OpenArray(std::shared_ptr<Array> array, ArrayFacts facts)
      : array_(std::move(array)),
        writable_(array_->writable()),
        element_(PlanElement(array_->info())),
        facts_(std::move(facts)) {}
  // One that was made new, of zeros. `is_temporary`: under a name that nobody else knows.
  static std::shared_ptr<OpenArray> New(std::shared_ptr<Array> array, ArrayFacts facts,
                                        bool is_temporary);
  // Flushes; errors are GDAL errors.
  ~OpenArray();
  OpenArray(const OpenArray&) = delete;
  OpenArray& operator=(const OpenArray&) = delete;

  const Array& array() const { return *array_; }
  bool is_writable() const { return writable_ != nullptr; }
  const ElementPlan& element() const { return element_; }
  const ArrayFacts& facts() const { return facts_; }

  // Of an array that was made new, to be changed; the next flush keeps them with the file.
  ArrayFacts& EditFacts() {
    facts_changed_ = true;
    return facts_;
  }
  bool is_new() const { return is_new_; }

  NamedValues attributes();
  // At once, as all who ask see it. Errors carry the path. REQUIRES: is_writable()
  Status SetAttribute(const std::string& name, nlohmann::json value);
  Status RemoveAttribute(const std::string& name);

  Status Read(const ElementWindow& window, const GDALExtendedDataType& buffer_type, void* buffer);
  // REQUIRES: is_writable()
  Status Write(const ElementWindow& window, const GDALExtendedDataType& buffer_type,
               const void* buffer);
  // What was never written takes this element of GDAL's type: at once, because others may write to
  // the file, too; in a temporary one when somebody reads it, or with the next flush.
  // REQUIRES: is_new(), one number
  Status FillUnwritten(const std::vector<std::byte>& element);
  // As WritableArray::TakeChunks. REQUIRES: is_writable()
  Status TakeChunks(const OpenArray& from, const Box& box);

  // What has been written is in the file after it, and what was said of the array.
  CPLErr Flush();

 private:
  // Held while an array that is open for update is read or written.
  std::unique_lock<std::mutex> LockForUpdate() {
    return is_writable() ? std::unique_lock<std::mutex>(mutex_) : std::unique_lock<std::mutex>();
  }

  const std::shared_ptr<Array> array_;
  WritableArray* const writable_;  // nullptr where it is only read
  const ElementPlan element_;
  ArrayFacts facts_;
  bool is_new_ = false;
  bool is_temporary_ = false;
  bool facts_changed_ = false;
  std::unique_ptr<Unwritten> unwritten_;  // of a new array that is not cut into chunks
  std::mutex mutex_;
};

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_MULTIDIM_OPEN_ARRAY_H_
