// Files that are wrong in one way each, and what must be said of it: a sound file and a patch, or a
// builder that lies. None has checksums of ours, so that what is wrong is what is found.
#ifndef GDAL_NDARRAY_TESTS_SUPPORT_MALFORMED_MALFORMED_FILE_H_
#define GDAL_NDARRAY_TESTS_SUPPORT_MALFORMED_MALFORMED_FILE_H_

#include <cstddef>
#include <ostream>
#include <string>
#include <vector>

namespace ndarray::testing {

// Who is the first to find out.
enum class Finder {
  kOpening,    // nobody can open it
  kReading,    // it opens; its elements cannot all be read
  kAttribute,  // all elements can be read, but not the attribute kAttributeName
  kMask,       // the same, of the array in the attribute kMaskName
  kUpdating,   // all of it can be read, but it cannot be opened for update
};

constexpr const char* kAttributeName = "crs";
constexpr const char* kMaskName = "gdal:mask";

struct MalformedFile {
  std::string name;  // of the test: letters, digits and '_'
  std::string bytes;
  Finder finder = Finder::kOpening;
  std::string message;  // what follows the path (and "damaged (ADVICE): "), or its start
};

inline std::ostream& operator<<(std::ostream& out, const MalformedFile& file) {
  return out << file.name;
}

// The same file with other bytes at a place.
inline std::string Put(std::string bytes, size_t at, const std::string& with) {
  return bytes.replace(at, with.size(), with);
}

std::vector<MalformedFile> MalformedNpyFiles();
std::vector<MalformedFile> MalformedZipFiles();
std::vector<MalformedFile> MalformedB2ndFiles();  // all of the following

std::vector<MalformedFile> MalformedFrames();      // header, metalayers
std::vector<MalformedFile> MalformedIndexes();     // index, trailer
std::vector<MalformedFile> MalformedLayouts();     // shapes and types
std::vector<MalformedFile> MalformedChunks();      // headers, starts of blocks, streams
std::vector<MalformedFile> MalformedAttributes();  // values, masks

}  // namespace ndarray::testing

#endif  // GDAL_NDARRAY_TESTS_SUPPORT_MALFORMED_MALFORMED_FILE_H_
