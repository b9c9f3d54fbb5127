#include "driver/raster/metadata/geo_metadata.h"

#include <cpl_conv.h>
#include <cpl_minixml.h>
#include <cpl_string.h>

#include <cstddef>
#include <cstring>
#include <memory>
#include <optional>

#include "driver/raster/metadata/colors.h"
#include "driver/raster/metadata/sidecar.h"
#include "driver/raster/reserved_names.h"

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
    // What our drivers report about a file is in the domain of the driver's name.
    GDALDriver* const driver = GetGDALDriverManager()->GetDriverByName(domain);
    about_the_file =
        about_the_file ||
        (driver != nullptr && driver->GetMetadataItem(kDetailsItem, kMetadataDomain) != nullptr);
    if (!about_the_file) destination.SetMetadata(source.GetMetadata(domain), domain);
  }
}

struct Histogram {
  double min = 0, max = 0;
  int buckets = 0;
  std::unique_ptr<GUIntBig, FreeCpl> counts;
};

// The one that somebody has computed; none is computed now.
std::optional<Histogram> HistogramOf(GDALRasterBand& band) {
  Histogram found;
  GUIntBig* counts = nullptr;
  CPLPushErrorHandler(CPLQuietErrorHandler);
  const CPLErr error = band.GetDefaultHistogram(&found.min, &found.max, &found.buckets, &counts,
                                                FALSE, nullptr, nullptr);
  CPLPopErrorHandler();
  found.counts.reset(counts);
  if (error != CE_None || found.buckets <= 0) return std::nullopt;
  return found;
}

void CopyHistogram(GDALRasterBand& source, GDALRasterBand& destination) {
  const std::optional<Histogram> found = HistogramOf(source);
  if (!found) return;
  destination.SetDefaultHistogram(found->min, found->max, found->buckets, found->counts.get());
}

bool IsLong(GDALDataType type) { return type == GDT_Int64 || type == GDT_UInt64; }

// Whether there may be something to keep of a band, for stacks of thousands of bands that have
// nothing. All that CloneInfo copies, and what is copied besides.
bool MaySaySomething(GDALRasterBand& band) {
  int has_nodata = FALSE;
  int has_offset = FALSE;
  int has_scale = FALSE;
  if (IsLong(band.GetRasterDataType()) || *band.GetDescription() != '\0' ||
      band.GetColorInterpretation() != GCI_Undefined) {
    return true;
  }
  static_cast<void>(band.GetNoDataValue(&has_nodata));
  const double offset = band.GetOffset(&has_offset);
  const double scale = band.GetScale(&has_scale);
  if (has_nodata || has_offset || offset != 0 || has_scale || scale != 1) return true;
  const char* const unit = band.GetUnitType();
  if ((unit != nullptr && *unit != '\0') || band.GetColorTable() != nullptr ||
      band.GetCategoryNames() != nullptr || band.GetDefaultRAT() != nullptr) {
    return true;
  }
  const CPLStringList domains(band.GetMetadataDomainList());
  if (!domains.empty() || band.GetMetadata() != nullptr) return true;
  return HistogramOf(band).has_value();
}

// A dataset without pixels, to hold metadata in GDAL's own form.
class MetadataHolder final : public GDALPamDataset {
 public:
  // It has `bands` bands: later ones have nothing to hold.
  MetadataHolder(GDALDataset& source, int bands) {
    nRasterXSize = source.GetRasterXSize();
    nRasterYSize = source.GetRasterYSize();
    for (int number = 1; number <= bands; ++number) {
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

constexpr const char* kBand = "PAMRasterBand";
constexpr const char* kEveryBand = "EveryBand";
constexpr size_t kMaxEveryBandBytes = 1024;
constexpr size_t kLongBytes = size_t{64} << 10;

bool IsElement(const CPLXMLNode& node, const char* name) {
  return node.eType == CXT_Element && EQUAL(node.pszValue, name);
}

// About how much is said by a list of nodes: each one counts.
size_t SizeOf(const CPLXMLNode* node) {
  size_t size = 0;
  for (; node != nullptr; node = node->psNext) {
    size += 8 + std::strlen(node->pszValue) + SizeOf(node->psChild);
  }
  return size;
}

bool IsShort(const CPLXMLNode& band) { return SizeOf(band.psChild) <= kMaxEveryBandBytes; }

// Whether two lists of nodes say the same, but for the number of a band.
bool AreAlike(const CPLXMLNode* a, const CPLXMLNode* b) {
  const auto skip = [](const CPLXMLNode* node) {
    return node != nullptr && node->eType == CXT_Attribute && EQUAL(node->pszValue, "band")
               ? node->psNext
               : node;
  };
  for (a = skip(a), b = skip(b); a != nullptr && b != nullptr;
       a = skip(a->psNext), b = skip(b->psNext)) {
    if (a->eType != b->eType || std::strcmp(a->pszValue, b->pszValue) != 0) return false;
    if (!AreAlike(a->psChild, b->psChild)) return false;
  }
  return a == b;
}

// Makes one element of those of all bands, where these are alike.
void FoldBands(CPLXMLNode& root, int bands) {
  CPLXMLNode* first = nullptr;
  int count = 0;
  for (CPLXMLNode* node = root.psChild; node != nullptr; node = node->psNext) {
    if (!IsElement(*node, kBand)) continue;
    ++count;
    if (first == nullptr) {
      first = node;
      if (!IsShort(*first)) return;
    } else if (!AreAlike(first->psChild, node->psChild)) {
      return;
    }
  }
  if (count < bands || count < 2) return;
  CPLXMLNode* kept = first;
  for (CPLXMLNode* node = first->psNext; node != nullptr;) {
    CPLXMLNode* const next = node->psNext;
    if (IsElement(*node, kBand)) {
      kept->psNext = next;
      node->psNext = nullptr;
      CPLDestroyXMLNode(node);
    } else {
      kept = node;
    }
    node = next;
  }
  CPLFree(first->pszValue);
  first->pszValue = CPLStrdup(kEveryBand);
  CPLXMLNode* const number = first->psChild;
  if (number != nullptr && number->eType == CXT_Attribute && EQUAL(number->pszValue, "band")) {
    CPLRemoveXMLChild(first, number);
    CPLDestroyXMLNode(number);
  }
}

}  // namespace

CPLXMLNode* FindEveryBand(const CPLXMLNode& root) {
  for (CPLXMLNode* node = root.psChild; node != nullptr; node = node->psNext) {
    if (IsElement(*node, kEveryBand)) return IsShort(*node) ? node : nullptr;
  }
  return nullptr;
}

std::string SerializeMetadata(GDALDataset& source, const std::string& axes,
                              const std::vector<std::string>& without_items) {
  const int bands = source.GetRasterCount();
  // Said only where a reader would take the bands for colours.
  const auto is_no_color = [&](int number) {
    GDALRasterBand& band = *source.GetRasterBand(number);
    return band.GetColorInterpretation() == GCI_Undefined &&
           ColorByShape(axes, bands, {band.GetRasterDataType()}, number) != GCI_Undefined;
  };
  int held = bands;
  while (held > 0 && !is_no_color(held) && !MaySaySomething(*source.GetRasterBand(held))) --held;
  MetadataHolder holder(source, held);
  holder.CloneInfo(&source, GCIF_PAM_DEFAULT & ~(GCIF_MASK | GCIF_PROJECTION | GCIF_GEOTRANSFORM));
  CopyDomains(source, holder);
  CPLStringList items(CSLDuplicate(const_cast<char**>(holder.GetMetadata())));
  for (const std::string& key : without_items) items.SetNameValue(key.c_str(), nullptr);
  holder.SetMetadata(items.List());
  for (int number = 1; number <= held; ++number) {
    GDALRasterBand& from = *source.GetRasterBand(number);
    GDALRasterBand& to = *holder.GetRasterBand(number);
    CopyDomains(from, to);
    CopyHistogram(from, to);
    if (is_no_color(number)) KeepColor(to, GCI_Undefined);
  }
  const XmlTree tree = holder.Serialize();
  if (tree == nullptr) return "";
  std::unique_ptr<char, FreeCpl> text(CPLSerializeXMLTree(tree.get()));
  if (std::strlen(text.get()) > kLongBytes) {
    FoldBands(*tree, bands);
    text.reset(CPLSerializeXMLTree(tree.get()));
  }
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
