#include "driver/raster/geo_metadata.h"

#include <cpl_conv.h>
#include <cpl_minixml.h>
#include <cpl_string.h>

#include <memory>

#include "driver/raster/array_format.h"
#include "driver/raster/colors.h"
#include "driver/raster/sidecar.h"

namespace ndarray {
namespace {

struct FreeCpl {
  void operator()(void* memory) const { CPLFree(memory); }
};

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
    // What a format says of its files is in the domain of its name.
    about_the_file = about_the_file || FindFormat(domain) != nullptr;
    if (!about_the_file) destination.SetMetadata(source.GetMetadata(domain), domain);
  }
}

// The one that somebody has computed; none is computed now.
void CopyHistogram(GDALRasterBand& source, GDALRasterBand& destination) {
  double min = 0;
  double max = 0;
  int buckets = 0;
  GUIntBig* counts = nullptr;
  CPLPushErrorHandler(CPLQuietErrorHandler);
  const CPLErr found =
      source.GetDefaultHistogram(&min, &max, &buckets, &counts, FALSE, nullptr, nullptr);
  CPLPopErrorHandler();
  const std::unique_ptr<GUIntBig, FreeCpl> owner(counts);
  if (found == CE_None && buckets > 0) destination.SetDefaultHistogram(min, max, buckets, counts);
}

// A dataset without pixels, to hold metadata in GDAL's own form.
class MetadataHolder final : public GDALPamDataset {
 public:
  explicit MetadataHolder(GDALDataset& source) {
    nRasterXSize = source.GetRasterXSize();
    nRasterYSize = source.GetRasterYSize();
    for (int number = 1; number <= source.GetRasterCount(); ++number) {
      SetBand(number, new Band(*this, *source.GetRasterBand(number)));
    }
    PamInitialize();
  }
  ~MetadataHolder() override { nPamFlags &= ~GPF_DIRTY; }  // there is no file to save it beside

  XmlTree Serialize() { return XmlTree(SerializeToXML("")); }

 private:
  class Band final : public GDALPamRasterBand {
   public:
    Band(MetadataHolder& dataset, GDALRasterBand& source) {
      poDS = &dataset;
      eDataType = source.GetRasterDataType();
      nBlockXSize = 1;
      nBlockYSize = 1;
    }

   protected:
    CPLErr IReadBlock(int, int, void*) override { return CE_Failure; }
  };
};

}  // namespace

std::string SerializeMetadata(GDALDataset& source, const std::string& axes,
                              const std::vector<std::string>& without_items) {
  MetadataHolder holder(source);
  holder.CloneInfo(&source, GCIF_PAM_DEFAULT & ~(GCIF_MASK | GCIF_PROJECTION | GCIF_GEOTRANSFORM));
  CopyDomains(source, holder);
  CPLStringList items(CSLDuplicate(const_cast<char**>(holder.GetMetadata())));
  for (const std::string& key : without_items) items.SetNameValue(key.c_str(), nullptr);
  holder.SetMetadata(items.List());
  const int bands = holder.GetRasterCount();
  for (int number = 1; number <= bands; ++number) {
    GDALRasterBand& from = *source.GetRasterBand(number);
    GDALRasterBand& to = *holder.GetRasterBand(number);
    CopyDomains(from, to);
    CopyHistogram(from, to);
    // Said only where a reader would take the bands for colours.
    if (from.GetColorInterpretation() == GCI_Undefined &&
        ColorByShape(axes, bands, {from.GetRasterDataType()}, number) != GCI_Undefined) {
      KeepColor(to, GCI_Undefined);
    }
  }
  const XmlTree tree = holder.Serialize();
  if (tree == nullptr) return "";
  const std::unique_ptr<char, FreeCpl> text(CPLSerializeXMLTree(tree.get()));
  return text.get();
}

void CopyMetadata(GDALDataset& source, GDALPamDataset& destination) {
  destination.CloneInfo(&source, GCIF_PAM_DEFAULT & ~GCIF_MASK);
  CopyDomains(source, destination);
  for (int number = 1; number <= destination.GetRasterCount(); ++number) {
    GDALRasterBand& from = *source.GetRasterBand(number);
    GDALRasterBand& to = *destination.GetRasterBand(number);
    CopyDomains(from, to);
    CopyHistogram(from, to);
    // CloneInfo leaves what the shape of the array says, even where the source says otherwise.
    const GDALColorInterp color = from.GetColorInterpretation();
    if (to.GetColorInterpretation() != color) to.SetColorInterpretation(color);
  }
}

}  // namespace ndarray
