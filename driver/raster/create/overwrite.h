// Replacing a raster file, with the files that belong to it, without losing the old one first.
//
// At any moment, for readers and after a process is killed, there is the old file, with all, some
// or none of its sidecars, or the new one without any: never a sidecar that belongs to other
// pixels. Sidecars of the new file are written after it has its name.
//
// Before GDAL calls a driver's Create or CreateCopy it deletes an existing file of that name, by
// way of the driver's own Delete. A failure while writing would then leave nothing. So Delete asks
// here who calls, and leaves the file to the writer, which replaces it when the new one is whole.
// A writer of another driver that takes the name of a .npy file overwrites it, too, but knows
// nothing of its sidecars: they stay.
#ifndef GDAL_NDARRAY_RASTER_CREATE_OVERWRITE_H_
#define GDAL_NDARRAY_RASTER_CREATE_OVERWRITE_H_

#include <string>
#include <vector>

#include "driver/raster/mask/mask_file.h"
#include "driver/store/io/output_file.h"
#include "driver/store/status.h"

namespace ndarray {

// What follows the name of a raster file in the names of those that belong to it, the overviews
// last.
constexpr const char* kSidecarSuffixes[] = {".sha256",  ".aux.xml",     ".msk",     ".msk.aux.xml",
                                            ".msk.ovr", ".ovr.aux.xml", ".ovr.ovr", ".ovr"};

// The sidecars of a file that is about to be replaced or deleted. What is set aside is put back by
// the destructor, unless it was discarded. For one thread.
class OldSidecars {
 public:
  explicit OldSidecars(std::string path) : path_(std::move(path)) {}
  ~OldSidecars();
  OldSidecars(const OldSidecars&) = delete;
  OldSidecars& operator=(const OldSidecars&) = delete;

  // Renames them so that they are not found any more (".NAME.aux.xml.old"). kIo, with the name of
  // the sidecar, where one has to stay; then those that were moved are put back.
  Status SetAside();

  // Deletes what was set aside, and what a killed process left under these names.
  void Discard();

 private:
  std::string AsideName(const char* suffix) const;

  const std::string path_;
  std::vector<const char*> aside_;  // suffixes
};

// A new file has the permissions of the one that it replaces: kIo where that one may not be written
// to, so that neither could the new one.
Status CheckMayUpdate(const std::string& path);

// Completes the file and gives it its name, in place of an older one and its sidecars; then the
// mask, if there is one, gets its name. After a failure the older one is there, with its sidecars.
Status CommitOver(OutputFile& file, MaskFile* mask = nullptr);

// Deletes a raster file and its sidecars; after a failure all are there.
Status DeleteRaster(const std::string& path);

// Held by Create and CreateCopy of these drivers: a file that is deleted meanwhile, in a progress
// callback, is deleted on purpose.
class WritingMark {
 public:
  WritingMark();
  ~WritingMark();
  WritingMark(const WritingMark&) = delete;
  WritingMark& operator=(const WritingMark&) = delete;

 private:
  const void* const outer_;
};

// Whether the driver callback that calls this was called by GDALDriver::QuietDelete, Create or
// CreateCopy, which is GDAL making room for a new file and not a user who deletes. Where the call
// stack does not show it, the answer is no, and GDAL's usual order (delete, then write) holds.
bool IsDeletingToOverwrite();

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_CREATE_OVERWRITE_H_
