// The files beside a raster in which GDAL keeps what the raster's own file does not: PATH.aux.xml
// (PAM), PATH.ovr, PATH.msk.
#ifndef GDAL_NDARRAY_RASTER_METADATA_SIDECAR_H_
#define GDAL_NDARRAY_RASTER_METADATA_SIDECAR_H_

#include <cpl_minixml.h>
#include <cpl_string.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "driver/raster/gdal_compat.h"
#include "driver/raster/xml_tree.h"
#include "driver/store/status.h"

namespace ndarray {

// The names of the files in the folder of `path` that GDAL may look for beside it, as its functions
// take them. An empty list: they look up each name.
//
// A local folder may hold thousands of files, so a few names are looked up instead of listing the
// folder. Where each look-up would be a request over a network the folder is listed once, as
// GDAL_DISABLE_READDIR_ON_OPEN says.
CPLStringList SidecarNames(GDALOpenInfo& open_info, const std::string& path);

// The content of the PAM sidecar of the whole file at `path`; nullptr where there is none, it
// cannot be read, or sidecars are switched off. Without errors.
XmlTree ReadPam(const std::string& path, const CPLStringList& sidecar_names);

// Removes from the sidecar what the file itself now says, because the sidecar would take
// precedence: everything about the whole dataset. Entries about its parts (subdatasets), and those
// that GDAL does not know, stay; a sidecar with nothing left in it is deleted.
void RemoveFromSidecar(const std::string& path);

// GDAL's versions before 3.7 lose the metadata of a file's parts when they save those of the whole:
// keeps them meanwhile.
class PartsOfSidecar {
 public:
  explicit PartsOfSidecar(const std::string& path);

  // Puts them back where they are missing.
  void Restore();

 private:
  const std::string path_;
  std::vector<XmlTree> parts_;
};

// Sets a dataset's metadata item in a PAM document; nullptr removes it.
void SetPamMetadataItem(CPLXMLNode& pam, const char* name, const char* domain, const char* value);

// Changes the document of the sidecar of the file at `path`: `edit` tells whether it has changed
// anything. Where there is none, nothing happens, or, with `makes`, an empty one is edited; one
// that is no such document is then an error.
Status EditSidecar(const std::string& path, bool makes,
                   const std::function<bool(CPLXMLNode& root)>& edit);

// A dataset's metadata item in a PAM document (nullptr: in none); nullptr where there is none.
const char* PamMetadataItem(const CPLXMLNode* pam, const char* name, const char* domain);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_METADATA_SIDECAR_H_
