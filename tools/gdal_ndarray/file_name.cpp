#include "tools/gdal_ndarray/file_name.h"

#include <cpl_conv.h>

#include "driver/raster/files/vsi_file.h"
#include "tools/gdal_ndarray/command.h"

namespace ndarray::tools {

std::string GdalName(const std::string& name) {
  const size_t at = ArchivePartAt(name);
  if (at == std::string::npos) return name;
  for (const ArrayFormat* const format : Formats()) {
    if (HasDriverPrefix(name.c_str(), format->driver)) return name;
  }
  VSIStatBufL about;
  if (FindFile(name, about)) return name;
  for (const ArrayFormat* const format : Formats()) {
    if (!IsArchiveName(*format, name.substr(0, at))) continue;
    const DatasetName parsed =
        Value(ParseDatasetName(std::string(format->driver) + ":" + name, format->driver));
    return FormatDatasetName(format->driver, parsed.path, parsed.part, parsed.index);
  }
  return name;
}

DatasetName ParseName(const std::string& gdal_name) {
  for (const ArrayFormat* const format : Formats()) {
    if (!HasDriverPrefix(gdal_name.c_str(), format->driver)) continue;
    return Value(ParseDatasetName(gdal_name, format->driver));
  }
  DatasetName name;
  name.path = gdal_name;
  return name;
}

std::shared_ptr<ByteFile> OpenFileOf(const ArrayFormat& format, const std::string& gdal_name) {
  return Value(OpenNamedFile(format, ParseName(gdal_name)));
}

bool IsWholeArchive(const ArrayFormat& format, const std::string& gdal_name) {
  const DatasetName name = ParseName(gdal_name);
  return name.written_part.empty() && IsInArchive(format, name);
}

std::optional<FoundPart> FindInArchive(const ArrayFormat& format, const std::string& gdal_name) {
  const DatasetName name = ParseName(gdal_name);
  if (!IsInArchive(format, name)) return std::nullopt;
  return Value(FindPart(format, name, {}));
}

}  // namespace ndarray::tools
