// The metadata of an ArrayDataset: what the file keeps itself, and what a sidecar does.

#include <cpl_minixml.h>
#include <cpl_vsi.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <utility>
#include <vector>

#include "driver/raster/array_dataset.h"
#include "driver/raster/gdal_error.h"

namespace ndarray {
namespace {

bool IsDefaultDomain(const char* domain) { return domain == nullptr || *domain == '\0'; }

// Formats that have more to tell have a domain of their name for it.
bool IsDetailsDomain(const char* domain, const CPLStringList& image_structure) {
  const char* const layout = image_structure.FetchNameValue("LAYOUT");
  return domain != nullptr && layout != nullptr && EQUAL(domain, layout);
}

constexpr std::array<double, 6> kIdentity = {0, 1, 0, 0, 0, 1};

// Whether a geotransform stands for none: gdal_edit.py -unsetgt sets the identity, and zeros where
// the driver is GeoTIFF's. GCPs would be hidden by it.
template <typename GeoTransform>
bool MeansNone(const GeoTransform& transform) {
  bool identity = true;
  bool zeros = true;
  for (size_t i = 0; i < kIdentity.size(); ++i) {
    identity = identity && transform[i] == kIdentity[i];
    zeros = zeros && transform[i] == 0;
  }
  return identity || zeros;
}

}  // namespace

// What the file itself has in the form of a sidecar. The real one counts where it says something.
void ArrayDataset::LoadStoredPam() {
  if (stored_.pam.empty()) return;
  CPLPushErrorHandler(CPLQuietErrorHandler);
  CPLXMLNode* const tree = CPLParseXMLString(stored_.pam.c_str());
  CPLXMLNode* const root = tree != nullptr ? CPLGetXMLNode(tree, "=PAMDataset") : nullptr;
  if (root != nullptr) {
    PamInitialize();
    XMLInit(root, "");
    nPamFlags &= ~GPF_DIRTY;  // nothing has changed that a sidecar must keep
  }
  CPLDestroyXMLNode(tree);
  CPLPopErrorHandler();
}

// `pam`: what ReadPam found, so that it is read once.
void ArrayDataset::LoadPam(CPLXMLNode* pam, CPLStringList& sidecars) {
  PamInitialize();
  if (pam == nullptr || psPam == nullptr) {
    TryLoadXML(sidecars.List());
    return;
  }
  BuildPamFilename();  // which GetFileList wants to know
  XMLInit(pam, "");
}

// The file's own, read when it is first asked for. Forms of it that are none are metadata, so that
// is asked for, too, before metadata are.
const OGRSpatialReference* ArrayDataset::FindStoredCrs() {
  if (!stored_.has_crs) return nullptr;
  const std::lock_guard<std::recursive_mutex> lock(lazy_mutex_);
  if (knows_crs_) return crs_.get();
  knows_crs_ = true;
  StoredCrs stored = ReadStoredCrs(io_.array());
  if (!stored.unreadable.empty()) {
    CPLStringList items(CSLMerge(stored.unreadable.StealList(), GDALMajorObject::GetMetadata()));
    GDALMajorObject::SetMetadata(items.List());
  }
  crs_ = std::move(stored.crs);
  if (crs_ != nullptr && stored_.epoch > 0) crs_->SetCoordinateEpoch(stored_.epoch);
  return crs_.get();
}

const OGRSpatialReference* ArrayDataset::GetSpatialRef() const {
  const OGRSpatialReference* const kept = GDALPamDataset::GetSpatialRef();
  return kept != nullptr ? kept : const_cast<ArrayDataset*>(this)->FindStoredCrs();
}

CPLErr ArrayDataset::GetGeoTransform(GeoTransformResult transform) NDARRAY_CONST_GETTER {
  const CPLErr kept = GDALPamDataset::GetGeoTransform(transform);
  if (kept != CE_None && !stored_.transform) return kept;
  for (size_t i = 0; kept != CE_None && i < kIdentity.size(); ++i) {
    transform[i] = (*stored_.transform)[i];
  }
  if (!MeansNone(transform)) return CE_None;
  for (size_t i = 0; i < kIdentity.size(); ++i) transform[i] = kIdentity[i];
  return CE_Failure;
}

CPLErr ArrayDataset::SaveSidecarAfter(CPLErr result) {
  const bool saves = eAccess == GA_Update && !delays_sidecar_;
  return result == CE_None && saves ? TrySaveXML() : result;
}

CPLErr ArrayDataset::SetSpatialRef(const OGRSpatialReference* crs) {
  return SaveSidecarAfter(GDALPamDataset::SetSpatialRef(crs));
}

CPLErr ArrayDataset::SetGeoTransform(NewGeoTransform transform) {
  // In a sidecar the identity hides the one that stays in the file.
  if (!MeansNone(transform) || (stored_.transform && !KeepsMetadata())) {
    return SaveSidecarAfter(GDALPamDataset::SetGeoTransform(transform));
  }
  DeleteGeoTransform();
  stored_.transform.reset();
  return SaveSidecarAfter(CE_None);
}

// Counters move on while others may still read an older list, so each thread has a list of its own,
// until it asks again.
CPLStringList& ArrayDataset::CurrentDetails() {
  thread_local CPLStringList details;
  details.Clear();
  for (const auto& [key, value] : io_.array().Details()) {
    details.SetNameValue(key.c_str(), value.c_str());
  }
  return details;
}

MetadataList ArrayDataset::GetMetadata(const char* domain) {
  if (domain != nullptr && EQUAL(domain, "IMAGE_STRUCTURE")) return image_structure_.List();
  if (IsDefaultDomain(domain)) FindStoredCrs();
  if (IsDetailsDomain(domain, image_structure_) && !CurrentDetails().empty()) {
    return CurrentDetails().List();
  }
  if (domain != nullptr && EQUAL(domain, "DERIVED_SUBDATASETS")) {
    // GDAL makes a new list at each call and frees the last one.
    const std::lock_guard<std::recursive_mutex> lock(lazy_mutex_);
    if (!knows_derived_subdatasets_) {
      derived_subdatasets_.Assign(CSLDuplicate(GDALPamDataset::GetMetadata(domain)));
      knows_derived_subdatasets_ = true;
    }
    return derived_subdatasets_.List();
  }
  return GDALPamDataset::GetMetadata(domain);
}

const char* ArrayDataset::GetMetadataItem(const char* name, const char* domain) {
  if (domain != nullptr && EQUAL(domain, "IMAGE_STRUCTURE")) {
    return image_structure_.FetchNameValue(name);
  }
  if (IsDefaultDomain(domain)) FindStoredCrs();
  if (IsDetailsDomain(domain, image_structure_)) {
    // In GDAL's own memory of the thread: the next question must not take the answer away.
    for (const auto& [key, value] : io_.array().Details()) {
      if (EQUAL(key.c_str(), name)) return CPLSPrintf("%s", value.c_str());
    }
  }
  return GDALPamDataset::GetMetadataItem(name, domain);
}

char** ArrayDataset::GetMetadataDomainList() {
  FindStoredCrs();
  CPLStringList domains(GDALPamDataset::GetMetadataDomainList());
  if (domains.FindString("IMAGE_STRUCTURE") < 0) domains.AddString("IMAGE_STRUCTURE");
  if (!CurrentDetails().empty()) domains.AddString(image_structure_.FetchNameValue("LAYOUT"));
  return domains.StealList();
}

// Whether CRS, metadata and the like go into the file instead of a sidecar.
bool ArrayDataset::KeepsMetadata() const {
  return eAccess == GA_Update && io_.array().attributes() != nullptr && io_.axes().index.empty();
}

// Called by GDAL whenever something has changed that a sidecar would keep.
CPLErr ArrayDataset::TrySaveXML() {
  if (!KeepsMetadata()) {
    if (IsStillNamed()) return GDALPamDataset::TrySaveXML();
    nPamFlags &= ~GPF_DIRTY;
    // Statistics of a file that is gone are no loss.
    return eAccess == GA_Update ? ReportReplaced("metadata is not saved") : CE_None;
  }
  EditableAttributes& attributes = *io_.array().editable_attributes();
  const std::vector<Attribute> stored = StoreMetadata(*this, axes_name());
  for (const AttributeInfo& info : attributes.List()) {
    const bool stays = std::any_of(stored.begin(), stored.end(), [&](const Attribute& attribute) {
      return attribute.first == info.name;
    });
    if (IsStoredMetadata(info.name) && !stays) attributes.Remove(info.name);
  }
  for (const auto& [name, value] : stored) {
    if (Report(attributes.Set(name, value)) != CE_None) return CE_Failure;
  }
  nPamFlags &= ~GPF_DIRTY;
  stored_in_file_ = true;
  return CE_None;
}

// What it said is in the file now; left there, it would count for more than the file.
void ArrayDataset::RemoveOldSidecar() {
  if (!stored_in_file_) return;
  stored_in_file_ = false;
  if (!IsStillNamed()) return;
  const std::string sidecar = io_.array().path() + ".aux.xml";
  VSIStatBufL about;
  if (VSIStatExL(sidecar.c_str(), &about, VSI_STAT_EXISTS_FLAG) == 0) VSIUnlink(sidecar.c_str());
}

}  // namespace ndarray
