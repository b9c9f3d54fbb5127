// A file and its sidecars that are made elsewhere and take their place together.
#ifndef GDAL_NDARRAY_TOOLS_CONVERT_STAGING_H_
#define GDAL_NDARRAY_TOOLS_CONVERT_STAGING_H_

#include <memory>
#include <string>

#include "driver/store/io/output_file.h"

namespace ndarray::tools {

// The folder ".NAME.new" (TemporaryPath) beside a local file. Until Publish what has the file's
// name stays as it was, with its sidecars; a Staging that is destroyed takes along what it still
// holds. What a killed process left there is removed by the next one; meanwhile other writers of
// the file are refused.
class Staging {
 public:
  // Throws a Failure where the file could not be created.
  explicit Staging(const std::string& destination);
  ~Staging();
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;

  // Where to write the file: of the same name, in the folder.
  const std::string& path() const { return path_; }

  // Takes old sidecars away, gives the file its place, then its sidecars theirs, the overviews
  // last. Throws a Failure, which says if only sidecars are missing.
  void Publish();

 private:
  const std::string destination_;
  std::string target_;  // of a link, where the file goes
  std::string folder_, path_;
  std::unique_ptr<OutputFile> guard_;  // keeps others out
};

}  // namespace ndarray::tools

#endif  // GDAL_NDARRAY_TOOLS_CONVERT_STAGING_H_
