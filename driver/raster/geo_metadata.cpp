#include "driver/raster/geo_metadata.h"

#include <cpl_string.h>

namespace ndarray {
namespace {

// What CloneInfo leaves: domains other than the default one.
void CopyDomains(GDALMajorObject& source, GDALMajorObject& destination) {
  const CPLStringList domains(source.GetMetadataDomainList());
  for (int i = 0; i < domains.size(); ++i) {
    const char* const domain = domains[i];
    bool about_the_file = EQUAL(domain, "");
    for (const char* const name :
         {"IMAGE_STRUCTURE", "SUBDATASETS", "DERIVED_SUBDATASETS", "NDARRAY"}) {
      about_the_file = about_the_file || EQUAL(domain, name);
    }
    if (!about_the_file) destination.SetMetadata(source.GetMetadata(domain), domain);
  }
}

}  // namespace

void CopyMetadata(GDALDataset& source, GDALPamDataset& destination) {
  destination.CloneInfo(&source, GCIF_PAM_DEFAULT);
  CopyDomains(source, destination);
  for (int band = 1; band <= destination.GetRasterCount(); ++band) {
    CopyDomains(*source.GetRasterBand(band), *destination.GetRasterBand(band));
  }
}

}  // namespace ndarray
