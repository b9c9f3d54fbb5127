// The indexes of .b2nd files that are in use, so that all who open one share it.
#ifndef GDAL_NDARRAY_STORE_FRAME_SHARED_INDEXES_H_
#define GDAL_NDARRAY_STORE_FRAME_SHARED_INDEXES_H_

#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace ndarray {

class FrameIndex;

class SharedIndexes {
 public:
  static SharedIndexes& Process();

  // `frame` is a key that differs between all frames, and between the states of one file. nullptr
  // if no index with this key is in use.
  std::shared_ptr<const FrameIndex> Find(const std::string& frame);

  // Keeps the first of two that were loaded at once.
  std::shared_ptr<const FrameIndex> Add(const std::string& frame,
                                        std::shared_ptr<const FrameIndex> index);

 private:
  SharedIndexes();

  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<const FrameIndex>> indexes_;
};

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_FRAME_SHARED_INDEXES_H_
