// The checksum file of a .npy, which has no checksum in it: PATH.sha256, one line as sha256sum
// writes and checks it. Its words, and what becomes of it when its file changes or moves; whoever
// makes or compares a checksum computes it.
#ifndef GDAL_NDARRAY_RASTER_FILES_CHECKSUM_FILE_H_
#define GDAL_NDARRAY_RASTER_FILES_CHECKSUM_FILE_H_

#include <string>
#include <string_view>

namespace ndarray {

constexpr const char* kChecksumSuffix = ".sha256";

// "DIGEST  NAME" and the end of a line; NAME is the path's last part.
std::string ChecksumLine(std::string_view digest, const std::string& path);

// What such a text says of the file with that name, in whatever folder: 64 hexadecimal digits, in
// lower case; empty where no line is about it.
std::string DigestIn(std::string_view text, const std::string& path);

// The text of PATH.sha256; empty where there is none, or none of a size that such files have.
std::string ReadChecksumFile(const std::string& path);

// Deletes PATH.sha256 before the file is changed. A warning where it has to stay: it is out of date
// from then on, which `verify` sees by the times of the files.
void RemoveChecksumFile(const std::string& path);

// After both files have got other names: puts the new name into TO.sha256. A warning where that
// fails; nothing where there is none, or where it says nothing of FROM.
void RenameInChecksumFile(const std::string& from, const std::string& to);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_FILES_CHECKSUM_FILE_H_
