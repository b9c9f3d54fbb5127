// The metadata of an ArrayDataset: what the file keeps itself, and what a sidecar does.

#include <cpl_minixml.h>

#include <array>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "driver/raster/dataset/array_band.h"
#include "driver/raster/dataset/array_dataset.h"
#include "driver/raster/gdal_error.h"
#include "driver/raster/image_structure.h"
#include "driver/raster/metadata/geo_metadata.h"
#include "driver/raster/metadata/sidecar.h"

namespace ndarray {
namespace {

bool IsDefaultDomain(const char* domain) { return domain == nullptr || *domain == '\0'; }

// Formats that have more to report have a domain of their name for it.
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

// Whether the format has room for all attributes once they are edited, and all will be read again.
bool HaveRoom(const EditableAttributes& attributes, const std::vector<AttributeEdit>& edits) {
  std::set<std::string> names;
  for (const AttributeInfo& info : attributes.List()) names.insert(info.name);
  for (const auto& [name, value] : edits) {
    if (value && value->size() > kMaxPamBytes) return false;
    if (value) {
      names.insert(name);
    } else {
      names.erase(name);
    }
  }
  return names.size() <= attributes.max_count();
}

}  // namespace

// The part of the file that has the form of a sidecar. A real sidecar overrides it.
void ArrayDataset::LoadStoredPam() {
  if (stored_.pam.empty()) return;
  CPLPushErrorHandler(CPLQuietErrorHandler);
  CPLXMLNode* const tree = CPLParseXMLString(stored_.pam.c_str());
  CPLXMLNode* const root = tree != nullptr ? CPLGetXMLNode(tree, "=PAMDataset") : nullptr;
  if (root != nullptr) {
    PamInitialize();
    if (CPLXMLNode* const every = FindEveryBand(*root)) {
      for (int band = 0; band < nBands; ++band) {
        static_cast<ArrayBand*>(papoBands[band])->TakePam(every);
      }
    }
    XMLInit(root, "");
    nPamFlags &= ~GPF_DIRTY;  // nothing has changed that a sidecar must keep
  }
  CPLDestroyXMLNode(tree);
  CPLPopErrorHandler();
}

// Not by the sidecar's SetMetadata: the file has them, and nothing has changed that must be kept.
void ArrayDataset::ShowAttributes(const std::vector<ShownAttribute>& shown) {
  if (shown.empty()) return;
  CPLStringList items(CSLDuplicate(const_cast<char**>(GDALMajorObject::GetMetadata())));
  for (const ShownAttribute& item : shown) items.SetNameValue(item.key.c_str(), item.text.c_str());
  GDALMajorObject::SetMetadata(items.List());
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
  StoredCrs stored = ReadStoredCrs(attributes_.get());
  ShowAttributes(stored.unreadable);
  for (ShownAttribute& shown : stored.unreadable) stored_.shown.push_back(std::move(shown));
  crs_ = std::move(stored.crs);
  if (crs_ == nullptr) return nullptr;
  if (stored_.epoch > 0) crs_->SetCoordinateEpoch(stored_.epoch);
  stored_.understood.insert({"proj:wkt2", "proj:projjson", "proj:code"});
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
  return result == CE_None && eAccess == GA_Update ? TrySaveXML() : result;
}

CPLErr ArrayDataset::SetSpatialRef(const OGRSpatialReference* crs) {
  if ((crs == nullptr || crs->IsEmpty()) && FindStoredCrs() != nullptr) {
    if (!KeepsMetadata()) {  // a sidecar cannot say that there is none
      return Report(Mismatch(StatusCode::kNotSupported, "access", "read-only",
                             "update, to take the CRS out of the file")
                        .At(io_.array().path()));
    }
    crs_.reset();
  }
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

// Counters move on while others may still read an older list, so each thread has a list of its own.
CPLStringList& ArrayDataset::CurrentDetails() {
  CPLStringList items = DetailItems(io_.array().chunked()->Details());
  const std::lock_guard<std::recursive_mutex> lock(lazy_mutex_);
  CPLStringList& details = details_[std::this_thread::get_id()];
  details = std::move(items);
  return details;
}

MetadataList ArrayDataset::GetMetadata(const char* domain) {
  if (domain != nullptr && EQUAL(domain, "IMAGE_STRUCTURE")) return image_structure_.List();
  if (IsDefaultDomain(domain)) FindStoredCrs();
  if (HasDetails() && IsDetailsDomain(domain, image_structure_)) return CurrentDetails().List();
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
  if (HasDetails() && IsDetailsDomain(domain, image_structure_)) {
    // In GDAL's own memory of the thread: the next question must not take the answer away.
    const CPLStringList items = DetailItems(io_.array().chunked()->Details());
    if (const char* const value = items.FetchNameValue(name)) return CPLSPrintf("%s", value);
  }
  return GDALPamDataset::GetMetadataItem(name, domain);
}

char** ArrayDataset::GetMetadataDomainList() {
  FindStoredCrs();
  CPLStringList domains(GDALPamDataset::GetMetadataDomainList());
  if (domains.FindString("IMAGE_STRUCTURE") < 0) domains.AddString("IMAGE_STRUCTURE");
  if (HasDetails()) domains.AddString(image_structure_.FetchNameValue("LAYOUT"));
  return domains.StealList();
}

// Whether CRS, metadata and the like go into the file instead of a sidecar.
bool ArrayDataset::KeepsMetadata() const {
  return io_.writable() != nullptr && io_.writable()->editable_attributes() != nullptr &&
         io_.axes().index.empty();
}

CPLErr ArrayDataset::SaveSidecar() {
  if (is_part_) return GDALPamDataset::TrySaveXML();
  PartsOfSidecar parts(file_path());
  const CPLErr saved = GDALPamDataset::TrySaveXML();
  parts.Restore();
  return saved;
}

// Called by GDAL whenever something has changed that a sidecar would keep.
CPLErr ArrayDataset::TrySaveXML() {
  if (is_level_) {
    nPamFlags &= ~GPF_DIRTY;
    return CE_None;
  }
  if (!KeepsMetadata()) {
    if (IsStillNamed()) return SaveSidecar();
    nPamFlags &= ~GPF_DIRTY;
    // Statistics of a file that is gone are no loss.
    return eAccess == GA_Update ? ReportReplaced("metadata is not saved") : CE_None;
  }
  EditableAttributes& attributes = *io_.writable()->editable_attributes();
  StoredMetadata stored = stored_;
  const std::vector<AttributeEdit> edits = EditsOf(*this, axes_name(), attributes, stored);
  // What finds no room goes to the sidecar, all of it, since a sidecar overrides the file.
  if (!HaveRoom(attributes, edits)) {
    stored_in_file_ = false;  // which would take it out of there
    return SaveSidecar();
  }
  for (const auto& [name, value] : edits) {
    if (!value) attributes.Remove(name);
  }
  for (const auto& [name, value] : edits) {
    if (value && Report(attributes.Set(name, *value)) != CE_None) return CE_Failure;
  }
  stored_ = std::move(stored);
  nPamFlags &= ~GPF_DIRTY;
  stored_in_file_ = true;
  return CE_None;
}

// What it said about the whole file is in the file now; left there, it would override that.
void ArrayDataset::RemoveOldSidecar() {
  if (!stored_in_file_) return;
  stored_in_file_ = false;
  if (IsStillNamed()) RemoveFromSidecar(file_path());
}

}  // namespace ndarray
