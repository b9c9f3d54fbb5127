// A folder of its own for one test, removed afterwards.
#ifndef GDAL_NDARRAY_TESTS_SUPPORT_TEMP_FOLDER_H_
#define GDAL_NDARRAY_TESTS_SUPPORT_TEMP_FOLDER_H_

#include <string>
#include <string_view>

namespace ndarray::testing {

class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  std::string Path(std::string_view name) const { return path_ + "/" + std::string(name); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

void WriteFile(const std::string& path, std::string_view bytes);
std::string ReadFile(const std::string& path);

}  // namespace ndarray::testing

#endif  // GDAL_NDARRAY_TESTS_SUPPORT_TEMP_FOLDER_H_
