#include <cinttypes>
#include <cstdio>

#include "driver/raster/files/vsi_file.h"
#include "driver/raster/formats/array_format.h"
#include "driver/store/frame/frame_copy.h"
#include "tools/gdal_ndarray/subcommands.h"

namespace ndarray::tools {

ExitCode Compact(const CompactArguments& arguments) {
  const std::string& path = arguments.file;
  RequirePath(path);
  const std::string driver = OpenRaster(path)->GetDriver()->GetDescription();
  if (driver != kB2ndFormat.driver) {
    throw Failure(path + ": found a file of the driver " + driver +
                  ", wanted a .b2nd file: others have no dead space");
  }
  const SharedFile shared = Value(OpenUpdateFile(path, Joining::kAlone));
  const ProgressFn progress = ProgressOf(arguments.quiet);
  const Result<Compaction> done = CompactFrame(*shared.file, CreateOutputFile, progress);
  Check(done.status());
  if (arguments.quiet) return kDone;
  if (!done->done) {
    std::printf("%s: %" PRIu64 " bytes, nothing to reclaim\n", path.c_str(), done->old_bytes);
  } else {
    progress(1);
    std::printf("%s: %" PRIu64 " bytes before, %" PRIu64 " bytes now\n", path.c_str(),
                done->old_bytes, done->new_bytes);
  }
  return kDone;
}

}  // namespace ndarray::tools
