// Files behind GDAL's virtual file systems (/vsimem/, /vsizip/, /vsicurl/ ...) as byte files.
#ifndef GDAL_NDARRAY_RASTER_FILES_VSI_FILE_H_
#define GDAL_NDARRAY_RASTER_FILES_VSI_FILE_H_

#include <cpl_vsi.h>

#include <memory>
#include <string>

#include "driver/store/io/byte_file.h"
#include "driver/store/io/local_file.h"
#include "driver/store/io/output_file.h"
#include "driver/store/io/writer_turns.h"
#include "driver/store/status.h"

namespace ndarray {

// Whether the path belongs to a virtual file system, so that the operating system knows no such
// file.
bool IsVirtualPath(const std::string& path);

// Whether it is /vsistdout/, from where nothing can be read back.
bool IsStandardOutput(const std::string& path);

// Asks about a file or folder; false where there is none. An archive that is being written gives an
// error for each such question, which nobody sees.
bool FindFile(const std::string& path, VSIStatBufL& about);

// Opens a local file, mapped where the policy and the system allow it, another through VSI.
Result<std::shared_ptr<ByteFile>> OpenByteFile(const std::string& path,
                                               const MapPolicy& policy = {});
Result<std::shared_ptr<WritableFile>> OpenWritableFile(const std::string& path,
                                                       const MapPolicy& policy = {});

// Opens a file for update without a map, as OpenSharedFile does a local one: waiting for others is
// bounded as the configuration option NDARRAY_LOCK_TIMEOUT says. Of virtual files nobody knows who
// else writes them.
Result<SharedFile> OpenUpdateFile(const std::string& path, Joining joining);

// Whether the file system of that path, which may hold no file yet, has room for a file of this
// size: kIo where it says that it has less (/vsimem/ has the computer's memory). Not asked where
// the configuration option CHECK_DISK_FREE_SPACE is NO, as GDAL's own drivers have it.
Status CheckFreeSpace(const std::string& path, uint64_t size_bytes);

// Creates a local file or a virtual one. Where a virtual file system can only append (object
// stores, archives), the content goes straight to its name, which is how those publish a file at
// once when it is closed.
Result<std::unique_ptr<OutputFile>> CreateOutputFile(const std::string& path);

// A file for work that has no room in memory, beside that path (CreateScratchFile); virtual ones
// are where that path is.
Result<std::shared_ptr<WritableFile>> CreateScratch(const std::string& path);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_FILES_VSI_FILE_H_
