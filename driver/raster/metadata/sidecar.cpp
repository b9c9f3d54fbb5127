#include "driver/raster/metadata/sidecar.h"

#include <cpl_conv.h>
#include <cpl_error.h>
#include <cpl_vsi.h>

#include "driver/raster/files/vsi_file.h"

namespace ndarray {
namespace {

bool Exists(const std::string& path) {
  VSIStatBufL about;
  return VSIStatExL(path.c_str(), &about, VSI_STAT_EXISTS_FLAG) == 0;
}

// Where asking for a name costs less than a list of all names.
bool AsksForNames(const std::string& path) {
  return !IsVirtualPath(path) || STARTS_WITH(path.c_str(), "/vsimem/");
}

void AddNames(const std::string& path, CPLStringList& names) {
  for (const char* const ending : {".aux.xml", ".ovr", ".OVR", ".msk", ".MSK", ".aux", ".AUX"}) {
    const std::string beside = path + ending;
    if (!Exists(beside)) continue;
    names.AddString(CPLGetFilename(beside.c_str()));
    // Overviews and masks are rasters themselves.
    if (EQUAL(ending, ".ovr") || EQUAL(ending, ".msk")) AddNames(beside, names);
  }
}

CPLStringList AskForNames(const std::string& path) {
  CPLStringList names;
  names.AddString(CPLGetFilename(path.c_str()));
  AddNames(path, names);
  // In place of the file's own ending, too.
  const size_t dot = path.find_last_of("./");
  const bool has_ending = dot != std::string::npos && path[dot] == '.';
  for (const char* const ending : {".aux", ".AUX"}) {
    const std::string beside = (has_ending ? path.substr(0, dot) : path) + ending;
    if (Exists(beside)) names.AddString(CPLGetFilename(beside.c_str()));
  }
  return names;
}

// Knows where GDAL keeps the sidecar of a file: beside it, or elsewhere (GDAL_PAM_PROXY_DIR).
class PamLocator final : public GDALPamDataset {
 public:
  // nullptr: nowhere. Lives as long as this.
  const char* Find(const std::string& path) {
    SetDescription(path.c_str());
    PamInitialize();
    const bool enabled = psPam != nullptr && (nPamFlags & GPF_DISABLED) == 0;
    return enabled ? BuildPamFilename() : nullptr;
  }
};

bool IsPart(const CPLXMLNode& node) {
  return node.eType == CXT_Element && EQUAL(node.pszValue, "Subdataset");
}

// The old one is there until the new one is complete.
bool SaveTree(const CPLXMLNode& tree, const std::string& path) {
  const std::string written = path + ".new";
  if (CPLSerializeXMLTreeToFile(&tree, written.c_str()) != FALSE &&
      VSIRename(written.c_str(), path.c_str()) == 0) {
    return true;
  }
  VSIUnlink(written.c_str());
  return false;
}

bool IsNamed(const CPLXMLNode& node, const char* element, const char* attribute,
             const char* value) {
  return node.eType == CXT_Element && EQUAL(node.pszValue, element) &&
         EQUAL(CPLGetXMLValue(&node, attribute, ""), value);
}

CPLXMLNode* FindDomain(CPLXMLNode& pam, const char* domain) {
  for (CPLXMLNode* node = pam.psChild; node != nullptr; node = node->psNext) {
    if (IsNamed(*node, "Metadata", "domain", domain)) return node;
  }
  return nullptr;
}

}  // namespace

CPLStringList SidecarNames(GDALOpenInfo& open_info, const std::string& path) {
  // GDAL knows of names beside this very path, not beside that in a subdataset's name.
  const bool own = path == open_info.pszFilename;
  char** const known = own && (open_info.AreSiblingFilesLoaded() || !AsksForNames(path))
                           ? open_info.GetSiblingFiles()
                           : nullptr;
  if (known != nullptr) return CPLStringList(CSLDuplicate(known));
  return AsksForNames(path) ? AskForNames(path) : CPLStringList();
}

XmlTree ReadPam(const std::string& path, const CPLStringList& sidecar_names) {
  const std::string name = std::string(CPLGetFilename(path.c_str())) + ".aux.xml";
  const bool beside = sidecar_names.empty() || sidecar_names.FindString(name.c_str()) >= 0;
  if (!beside && PamGetProxy(path.c_str()) == nullptr) return nullptr;
  PamLocator locator;
  const char* const pam = locator.Find(path);
  VSIStatBufL about;
  if (pam == nullptr || VSIStatExL(pam, &about, VSI_STAT_EXISTS_FLAG | VSI_STAT_NATURE_FLAG) != 0 ||
      !VSI_ISREG(about.st_mode)) {
    return nullptr;
  }
  const CPLErrorStateBackuper errors_so_far;
  CPLPushErrorHandler(CPLQuietErrorHandler);
  XmlTree tree(CPLParseXMLFile(pam));
  CPLPopErrorHandler();
  return tree;
}

void RemoveFromSidecar(const std::string& path) {
  const XmlTree tree = ReadPam(path, CPLStringList());
  CPLXMLNode* const root = tree != nullptr ? CPLGetXMLNode(tree.get(), "=PAMDataset") : nullptr;
  if (root == nullptr) return;
  PamLocator locator;
  const std::string sidecar = locator.Find(path);
  bool is_empty = true;
  for (CPLXMLNode* node = root->psChild; node != nullptr;) {
    CPLXMLNode* const next = node->psNext;
    bool is_known = false;
    for (const char* const known :
         {"SRS", "GeoTransform", "GCPList", "Metadata", "PAMRasterBand", "HistogramItem"}) {
      is_known = is_known || EQUAL(node->pszValue, known);
    }
    if (node->eType == CXT_Element && is_known) {
      CPLRemoveXMLChild(root, node);
      CPLDestroyXMLNode(node);
    } else {
      is_empty = is_empty && node->eType != CXT_Element;
    }
    node = next;
  }
  if (is_empty) {
    VSIUnlink(sidecar.c_str());
    return;
  }
  SaveTree(*tree, sidecar);
}

PartsOfSidecar::PartsOfSidecar(const std::string& path) : path_(path) {
  const XmlTree tree = ReadPam(path, CPLStringList());
  CPLXMLNode* const root = tree != nullptr ? CPLGetXMLNode(tree.get(), "=PAMDataset") : nullptr;
  for (CPLXMLNode* node = root != nullptr ? root->psChild : nullptr; node != nullptr;) {
    CPLXMLNode* const next = node->psNext;
    if (IsPart(*node)) {
      CPLRemoveXMLChild(root, node);
      parts_.emplace_back(node);
    }
    node = next;
  }
}

void PartsOfSidecar::Restore() {
  if (parts_.empty()) return;
  XmlTree tree = ReadPam(path_, CPLStringList());
  if (tree == nullptr) tree.reset(CPLCreateXMLNode(nullptr, CXT_Element, "PAMDataset"));
  CPLXMLNode* const root = CPLGetXMLNode(tree.get(), "=PAMDataset");
  if (root == nullptr) return;
  for (const CPLXMLNode* node = root->psChild; node != nullptr; node = node->psNext) {
    if (IsPart(*node)) return;
  }
  for (XmlTree& part : parts_) CPLAddXMLChild(root, part.release());
  parts_.clear();
  SaveTree(*tree, PamLocator().Find(path_));
}

const char* PamMetadataItem(const CPLXMLNode* pam, const char* name, const char* domain) {
  if (pam == nullptr) return nullptr;
  for (const CPLXMLNode* node = pam->psChild; node != nullptr; node = node->psNext) {
    if (!IsNamed(*node, "Metadata", "domain", domain)) continue;
    for (const CPLXMLNode* item = node->psChild; item != nullptr; item = item->psNext) {
      if (IsNamed(*item, "MDI", "key", name)) return CPLGetXMLValue(item, nullptr, nullptr);
    }
  }
  return nullptr;
}

void SetPamMetadataItem(CPLXMLNode& pam, const char* name, const char* domain, const char* value) {
  for (CPLXMLNode* node = pam.psChild; node != nullptr; node = node->psNext) {
    if (!IsNamed(*node, "Metadata", "domain", domain)) continue;
    for (CPLXMLNode* item = node->psChild; item != nullptr;) {
      CPLXMLNode* const next = item->psNext;
      if (IsNamed(*item, "MDI", "key", name)) {
        CPLRemoveXMLChild(node, item);
        CPLDestroyXMLNode(item);
      }
      item = next;
    }
  }
  if (value == nullptr) return;
  CPLXMLNode* items = FindDomain(pam, domain);
  if (items == nullptr) {
    items = CPLCreateXMLNode(&pam, CXT_Element, "Metadata");
    if (*domain != '\0') CPLAddXMLAttributeAndValue(items, "domain", domain);
  }
  CPLXMLNode* const item = CPLCreateXMLElementAndValue(items, "MDI", value);
  CPLAddXMLAttributeAndValue(item, "key", name);
}

Status EditSidecar(const std::string& path, bool makes,
                   const std::function<bool(CPLXMLNode& root)>& edit) {
  PamLocator locator;
  const char* const sidecar = locator.Find(path);
  const std::string name = sidecar != nullptr ? sidecar : path + ".aux.xml";
  XmlTree tree = ReadPam(path, CPLStringList());
  if (tree == nullptr && makes && !Exists(name)) tree.reset(CPLParseXMLString("<PAMDataset/>"));
  CPLXMLNode* const root = tree != nullptr ? CPLGetXMLNode(tree.get(), "=PAMDataset") : nullptr;
  if (root == nullptr && makes) {  // it is not replaced: somebody may know what it is
    return Mismatch(StatusCode::kCorrupt, "sidecar", "another text", "XML with a PAMDataset")
        .At(name);
  }
  if (root == nullptr || !edit(*root)) return {};
  if (sidecar == nullptr) {
    return Mismatch(StatusCode::kNotSupported, "GDAL_PAM_ENABLED", "NO", "YES, for sidecars")
        .At(path);
  }
  if (SaveTree(*tree, name)) return {};
  return Status(StatusCode::kIo, "could not be written").At(name);
}

}  // namespace ndarray
