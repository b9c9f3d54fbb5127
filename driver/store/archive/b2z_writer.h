// Writes a .b2z: a ZIP of stored frames, which python-blosc2 opens as a TreeStore.
//
//   0.b2nd              the image, written in place as its pieces come
//   1.b2nd, 2.b2nd ...  its levels, each half of the one before: built from the same pieces, in
//   files
//                       without a name, and copied behind it in the end
//   __vlmeta__.b2f      the attributes of the group that these are in
//   embed.b2e           what TreeStore keeps in itself: nothing
//
// A mask that the image has among its attributes (nested_array.h) is respected where levels are
// made, and each of these has its own.
#ifndef GDAL_NDARRAY_STORE_ARCHIVE_B2Z_WRITER_H_
#define GDAL_NDARRAY_STORE_ARCHIVE_B2Z_WRITER_H_

#include <memory>
#include <string>
#include <vector>

#include "driver/store/archive/level_writers.h"
#include "driver/store/archive/zip_writer.h"
#include "driver/store/array_writer.h"
#include "driver/store/b2nd/b2nd_writer.h"
#include "driver/store/io/output_file.h"
#include "driver/store/status.h"

namespace ndarray {

struct B2zPlan {
  B2ndLayout layout;  // of the image
  LevelsPlan levels;
};

struct B2zAttributes {
  std::vector<Attribute> image;
  std::vector<std::vector<Attribute>> levels;  // as many, without masks
  std::vector<Attribute> group;
};

class B2zWriter final : public ArrayWriter {
 public:
  // `file` must outlive it. Errors as those of B2ndWriter::Start.
  static Result<std::unique_ptr<B2zWriter>> Start(OutputFile& file, const B2zPlan& plan,
                                                  const B2zAttributes& attributes,
                                                  const ScratchCreator& create_scratch);

  const WriterInfo& info() const override { return info_; }
  Status Write(const Box& box, const ConstStridedView& from) override;
  Status Finish() override;

 private:
  B2zWriter(OutputFile& file, const B2zAttributes& attributes);

  const std::string path_;
  ZipWriter zip_;
  const std::vector<Attribute> group_attributes_;
  std::unique_ptr<B2ndWriter> image_;
  WriterInfo info_;
  uint64_t max_levels_bytes_ = 0;
  std::vector<std::string> level_names_;
  std::unique_ptr<LevelWriters> levels_;
};

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_ARCHIVE_B2Z_WRITER_H_
