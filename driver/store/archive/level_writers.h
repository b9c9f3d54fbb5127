// The levels of a pyramid on their way into an archive: each in a file without a name, until it is
// copied.
#ifndef GDAL_NDARRAY_STORE_ARCHIVE_LEVEL_WRITERS_H_
#define GDAL_NDARRAY_STORE_ARCHIVE_LEVEL_WRITERS_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "driver/store/archive/halve.h"
#include "driver/store/archive/pyramid.h"
#include "driver/store/archive/zip_writer.h"
#include "driver/store/attributes.h"
#include "driver/store/blosc2/b2nd_layout.h"
#include "driver/store/blosc2/blosc_codec.h"
#include "driver/store/io/byte_file.h"
#include "driver/store/status.h"

namespace ndarray {

struct LevelsPlan {
  std::vector<B2ndLayout> layouts;  // each half of the one before, as Pyramid wants them
  Halving halving;
  Compression compression;  // of all
  int max_threads = 1;
  std::string mask_attribute;  // the name of the image's mask (nested_array.h) and the levels'
};

// Where a level is until it is copied: an empty file of its own.
using ScratchCreator = std::function<Result<std::shared_ptr<WritableFile>>()>;

class LevelWriters {
 public:
  // `path` is what errors call all of it. `image`: the attributes of the image, for its mask, which
  // is respected, and halved; `attributes`: of each level, without masks.
  static Result<std::unique_ptr<LevelWriters>> Start(
      const std::string& path, const LevelsPlan& plan, const std::vector<Attribute>& image,
      const std::vector<std::vector<Attribute>>& attributes, const ScratchCreator& create_scratch);
  ~LevelWriters();

  // As Pyramid::Add.
  Status Add(const Box& box, const ConstStridedView& from);

  // Waits for what Add has begun.
  Status Wait();

  // Adds the levels to an archive, under these names; an empty one: it is left out.
  Status CopyTo(ZipWriter& zip, const std::vector<std::string>& names);

 private:
  struct Level;

  LevelWriters() = default;

  std::vector<std::unique_ptr<Level>> levels_;
  std::optional<Pyramid> pyramid_;
};

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_ARCHIVE_LEVEL_WRITERS_H_
