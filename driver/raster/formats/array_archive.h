// Several arrays in one file.
#ifndef GDAL_NDARRAY_RASTER_FORMATS_ARRAY_ARCHIVE_H_
#define GDAL_NDARRAY_RASTER_FORMATS_ARRAY_ARCHIVE_H_

#include <memory>
#include <string>
#include <vector>

#include "driver/store/archive/zip_directory.h"
#include "driver/store/array.h"
#include "driver/store/attributes.h"
#include "driver/store/io/byte_file.h"
#include "driver/store/status.h"
#include "driver/store/text.h"

namespace ndarray {

// What a name in an archive stands for: an array, or several datasets.
struct ArchiveItem {
  std::string array;                  // its name; empty: several
  std::vector<std::string> coarser;   // names of arrays that show it in fewer pixels
  std::vector<std::string> datasets;  // names of what is one dataset each
};

// An open archive, read-only. Errors carry the path. Names are as users write them. Const methods
// are safe from any number of threads.
class ArrayArchive {
 public:
  virtual ~ArrayArchive() = default;
  ArrayArchive(const ArrayArchive&) = delete;
  ArrayArchive& operator=(const ArrayArchive&) = delete;

  // Of all arrays, in file order: a member that is replaced by a later one of its name does not
  // count.
  virtual const std::vector<std::string>& names() const = 0;

  // An empty name is the whole archive. kNotFound, and kNotSupported where there are no arrays.
  virtual Result<ArchiveItem> Find(const std::string& name) const = 0;

  // The array of that name, one of names(), as a file of its format, to be read in place.
  virtual Result<std::shared_ptr<ByteFile>> OpenFile(const std::string& name) const = 0;

  // The member that it is in; nullptr where it shares one with others.
  virtual const ZipMember* MemberOf(const std::string& name) const = 0;

  // Reads of one window use at most max_threads threads.
  virtual Result<std::shared_ptr<Array>> Open(const std::string& name, int max_threads) const = 0;

  // Arrays that nobody can open here, for people: "'secret' (encrypted)", "'.npy' (without a
  // name)".
  const std::vector<std::string>& left_out() const { return left_out_; }

  // Of the groups around an array, or of a group and those around it, the nearest first; nullptr
  // where there are none.
  virtual std::shared_ptr<const Attributes> GroupAttributes(const std::string& /*name*/) const {
    return nullptr;
  }

 protected:
  ArrayArchive() = default;

  // Notes a member that cannot be read, or is an array without a name.
  void NoteLeftOut(const std::string& name, const std::string& why) {
    if (!why.empty()) left_out_.push_back("'" + Excerpt(name) + "' (" + why + ")");
  }

 private:
  std::vector<std::string> left_out_;
};

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_FORMATS_ARRAY_ARCHIVE_H_
