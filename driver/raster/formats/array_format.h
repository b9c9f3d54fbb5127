// The file formats as data: all in which one driver differs from another. What they share is in
// array_driver.h, and written once.
#ifndef GDAL_NDARRAY_RASTER_FORMATS_ARRAY_FORMAT_H_
#define GDAL_NDARRAY_RASTER_FORMATS_ARRAY_FORMAT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "driver/raster/create/new_array.h"
#include "driver/raster/formats/array_archive.h"
#include "driver/raster/gdal_compat.h"
#include "driver/store/array.h"
#include "driver/store/array_writer.h"
#include "driver/store/dtype/record_dtype.h"
#include "driver/store/io/local_file.h"
#include "driver/store/io/output_file.h"
#include "driver/store/progress.h"
#include "driver/store/status.h"

namespace ndarray {

// What an array is opened for.
enum class OpenFor {
  kReading,
  kUpdate,       // one of its writers from now on, whom compacting it waits for
  kFirstWrites,  // of a file just created: the same, and nothing in it was written by anybody
  kLateUpdate,   // of a copy just made: one of its writers only once something is written
};

// How a file is read.
struct OpenPolicy {
  MapPolicy map;
  bool verifies = true;  // it is compared with the checksums that it has
};

// Starts writing what was planned into a file, which must outlive the writer, with these attributes
// where the format keeps any. Errors carry the path.
using WriterStarter = std::function<Result<std::unique_ptr<ArrayWriter>>(
    OutputFile& file, const std::vector<Attribute>& attributes, Contents contents)>;

class ArrayDataset;
struct OverviewsRequest;

// A kind of ZIP archives.
struct ArchiveKind {
  const char* extension;  // of its files, without the dot
  bool is_written;        // by CreateCopy, as WriterStarter says

  // Errors carry the path.
  Result<std::shared_ptr<ArrayArchive>> (*open)(const std::string& path, const OpenPolicy& policy);

  // GDALDataset::BuildOverviews of an image in one (b2z_overviews.h); nullptr: they go beside it.
  Status (*build_levels)(const ArrayDataset& raster, const OverviewsRequest& request,
                         const ProgressFn& progress);
};

struct ArrayFormat {
  const char* driver;     // its name in GDAL, and before the names of parts of its files
  const char* long_name;  // for people
  const char* extension;  // of its files, without the dot

  // Whether a file that starts with these bytes is one of the format. Runs before every other
  // driver for every file that anyone opens: a comparison of some bytes.
  bool (*detect)(std::string_view first_bytes);

  // Why a folder cannot be opened that holds an array in some other form of the format; success for
  // all other folders. nullptr: folders are not asked.
  Status (*refuse_folder)(const std::string& path);

  // Its own open options, as GDAL_DMD_OPENOPTIONLIST has them, beside those of all formats.
  const char* open_options;

  // What open options and configuration options say. Called once for each opening.
  OpenPolicy (*open_policy)(StringList open_options);

  // Reads of one window use at most max_threads threads. Errors carry the path.
  Result<std::shared_ptr<Array>> (*open)(const std::string& path, OpenFor purpose, int max_threads,
                                         const OpenPolicy& policy);

  // The element of a file with all that fields do not say: gaps between them, byte orders.
  Result<ElementType> (*read_element)(const std::shared_ptr<ByteFile>& file);

  // GDAL_DMD_CREATIONOPTIONLIST.
  std::string (*creation_options)();

  // Finds all that is wrong with the options of a new array, before anything is touched:
  // kInvalidArgument and kNotSupported with the path. What has no effect gives a GDAL warning.
  Result<WriterStarter> (*plan)(const NewArray& array, StringList options);

  int max_axes;               // of arrays that are written
  int64_t max_element_bytes;  // of records that are written
  bool has_chunks;            // so that there are options for their shapes

  // Whether files have attributes, in which CRS, metadata and the like go (stored_metadata.h), and
  // not into a sidecar.
  bool keeps_metadata;

  // Adds the masks of a source to the attributes of its copy, if there are any, they do not follow
  // from nodata values or an alpha band, and there is room for them. Returns which share of the
  // work of the copy that was. nullptr: files have no masks.
  Result<double> (*store_masks)(GDALDataset& source, const NewArray& array,
                                const ProgressFn& progress, std::vector<Attribute>& attributes);

  // Archives of several of its arrays; nullptr: there are none.
  const ArchiveKind* archive;

  // AddCallbacks<THE FORMAT> (array_driver.h).
  void (*add_callbacks)(GDALDriver& driver);
};

extern const ArrayFormat kNpyFormat;
extern const ArrayFormat kB2ndFormat;  // only where built with c-blosc2

// All that this build has.
const std::vector<const ArrayFormat*>& Formats();

// Whether the path has the extension of the format's archives.
bool IsArchiveName(const ArrayFormat& format, const std::string& path);

// Whether it has one of the extensions of files that the driver writes (case does not matter).
bool IsNameOf(const ArrayFormat& format, const std::string& path);

// The one with that name of a driver, or that writes files of that name, or nullptr.
const ArrayFormat* FindFormat(const char* driver);
const ArrayFormat* FormatOfName(const std::string& path);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_FORMATS_ARRAY_FORMAT_H_
