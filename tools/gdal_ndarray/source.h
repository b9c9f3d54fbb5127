// The raster that a subcommand reads: what all of them ask of it.
#ifndef GDAL_NDARRAY_TOOLS_SOURCE_H_
#define GDAL_NDARRAY_TOOLS_SOURCE_H_

#include <string>
#include <vector>

#include "tools/gdal_ndarray/command.h"

namespace ndarray::tools {

// Throws a Failure where GDAL shows the dataset as parts, and not as bands. `name` is for messages.
void RequireBands(GDALDataset& source, const std::string& name);

// Throws a Failure that names the first of these numbers, from 1, that is no band.
void RequireBands(GDALDataset& source, const std::vector<int>& bands, const std::string& name);

// Throws a Failure if the file to be written is the file of the source, or one of its files, by
// whatever path.
void RefuseToReplace(const std::string& source_file, const std::string& destination);
void RefuseToReplace(GDALDataset& source, const std::string& destination);

// Sizes GDAL's block cache for a copy of the source, unless the user has done so (GDAL_CACHEMAX):
// what is read again before the copy has passed it, rather than 5 % of the machine's memory.
void LimitCache(GDALDataset& source);

// gdal_translate: `words` are its options, to which `bands` are added. Throws what GDAL reports, or
// a Failure, `otherwise`.
DatasetPointer Translate(GDALDataset& source, const std::string& destination,
                         const std::vector<std::string>& words, const std::vector<int>& bands,
                         GDALProgressFunc progress, const std::string& otherwise);

}  // namespace ndarray::tools

#endif  // GDAL_NDARRAY_TOOLS_SOURCE_H_
