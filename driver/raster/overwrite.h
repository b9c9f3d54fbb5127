// Overwriting a dataset without losing the old one first.
//
// Before GDAL calls a driver's Create or CreateCopy it deletes an existing file of that name, by
// way of the driver's own Delete. A failure while writing would then leave nothing. So Delete asks
// here who calls, and leaves the file to the writer, which replaces it when the new one is whole.
// A writer of another driver that takes the name of a .npy file overwrites it, too, but knows
// nothing of its sidecars: they stay.
#ifndef GDAL_NDARRAY_RASTER_OVERWRITE_H_
#define GDAL_NDARRAY_RASTER_OVERWRITE_H_

#include <string>

namespace ndarray {

// Whether the driver callback that calls this runs within GDALDriver::QuietDelete, Create or
// CreateCopy, which is GDAL making room for a new file and not a user who deletes. Where the call
// stack cannot tell, the answer is no, and GDAL's usual order (delete, then write) holds.
bool IsDeletingToOverwrite();

// What follows the name of a raster file in the names of those that belong to it, the overviews
// last.
constexpr const char* kSidecarSuffixes[] = {".aux.xml",     ".msk",     ".msk.aux.xml", ".msk.ovr",
                                            ".ovr.aux.xml", ".ovr.ovr", ".ovr"};

// Removes the files that belong to a raster file.
void DeleteSidecars(const std::string& path);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_OVERWRITE_H_
