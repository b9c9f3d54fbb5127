#include "tools/gdal_ndarray/write_file.h"

#include <memory>

#include "driver/raster/create/overwrite.h"
#include "tools/gdal_ndarray/command.h"

namespace ndarray::tools {

void WriteFile(const std::string& path, const WriterStarter& start,
               const std::vector<Attribute>& attributes, const PixelSource& source,
               const ProgressFn& progress) {
  const std::unique_ptr<OutputFile> file =
      Value(WriteArray(path, start, attributes, source, progress));
  StopIfInterrupted();
  Check(CommitOver(*file));
}

}  // namespace ndarray::tools
