#include "tools/gdal_ndarray/raster_report.h"

#include <ogr_spatialref.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <optional>
#include <string>

#include "driver/raster/nodata.h"

namespace ndarray::tools {
namespace {

struct Bounds {
  double west, south, east, north;

  std::string Text() const {
    return NumberText(west) + ", " + NumberText(south) + " to " + NumberText(east) + ", " +
           NumberText(north);
  }
  Report::Json Values() const { return {west, south, east, north}; }
};

// The smallest upright rectangle around all corners of the raster.
Bounds RasterBounds(const std::array<double, 6>& transform, double width, double height) {
  Bounds bounds{HUGE_VAL, HUGE_VAL, -HUGE_VAL, -HUGE_VAL};
  for (const double column : {0.0, width}) {
    for (const double line : {0.0, height}) {
      const double x = transform[0] + column * transform[1] + line * transform[2];
      const double y = transform[3] + column * transform[4] + line * transform[5];
      bounds.west = std::min(bounds.west, x);
      bounds.east = std::max(bounds.east, x);
      bounds.south = std::min(bounds.south, y);
      bounds.north = std::max(bounds.north, y);
    }
  }
  return bounds;
}

// Through PROJ, edges and not only corners; absent where it cannot be.
std::optional<Bounds> InLongitudeLatitude(const OGRSpatialReference& crs, const Bounds& bounds) {
  OGRSpatialReference from(crs);
  OGRSpatialReference to;
  from.SetAxisMappingStrategy(OAMS_TRADITIONAL_GIS_ORDER);
  to.SetAxisMappingStrategy(OAMS_TRADITIONAL_GIS_ORDER);
  if (to.SetFromUserInput("WGS84") != OGRERR_NONE) return std::nullopt;
  // What PROJ cannot do (a local CRS) is no failure of ours.
  CPLPushErrorHandler(CPLQuietErrorHandler);
  const std::unique_ptr<OGRCoordinateTransformation> transformation(
      OGRCreateCoordinateTransformation(&from, &to));
  Bounds result{};
  const bool done = transformation != nullptr &&
                    transformation->TransformBounds(bounds.west, bounds.south, bounds.east,
                                                    bounds.north, &result.west, &result.south,
                                                    &result.east, &result.north, 21) != FALSE;
  CPLPopErrorHandler();
  const bool finite = std::isfinite(result.west) && std::isfinite(result.south) &&
                      std::isfinite(result.east) && std::isfinite(result.north);
  return done && finite ? std::optional<Bounds>(result) : std::nullopt;
}

// As few digits as give the same number again.
std::string ExactText(double value) {
  const std::string text = NumberText(value, 15);
  return std::isnan(value) || CPLAtof(text.c_str()) == value ? text : NumberText(value, 17);
}

void DescribeGeoreference(GDALDataset& dataset, Report& report) {
  const OGRSpatialReference* const crs = dataset.GetSpatialRef();
  if (crs != nullptr) {
    const char* const authority = crs->GetAuthorityName(nullptr);
    const char* const code = crs->GetAuthorityCode(nullptr);
    const std::string name = crs->GetName() == nullptr ? "unnamed" : crs->GetName();
    const std::string id =
        authority != nullptr && code != nullptr ? std::string(authority) + ":" + code : "";
    report.Add("crs", "CRS", id.empty() ? name : id, id.empty() ? name : id + ", " + name);
  }
  std::array<double, 6> transform{};
  if (GDALGetGeoTransform(GDALDataset::ToHandle(&dataset), transform.data()) != CE_None) return;
  const Bounds bounds = RasterBounds(transform, dataset.GetRasterXSize(), dataset.GetRasterYSize());
  const bool rotated = transform[2] != 0 || transform[4] != 0;
  report.Add(
      "geotransform", "Pixel", transform,
      NumberText(transform[1]) + " x " + NumberText(transform[5]) + (rotated ? ", rotated" : ""));
  report.Add("extent", "Extent", bounds.Values(), bounds.Text());
  if (crs == nullptr) return;
  const std::optional<Bounds> degrees = InLongitudeLatitude(*crs, bounds);
  if (degrees) report.Add("extent_lonlat", "Lon, lat", degrees->Values(), degrees->Text());
}

void DescribeOverviews(GDALRasterBand& band, Report& report) {
  Report::Json sizes = Report::Json::array();
  std::string text;
  for (int i = 0; i < band.GetOverviewCount(); ++i) {
    GDALRasterBand* const overview = band.GetOverview(i);
    if (overview == nullptr) continue;
    sizes.push_back({overview->GetXSize(), overview->GetYSize()});
    text += (text.empty() ? "" : ", ") + std::to_string(overview->GetXSize()) + "x" +
            std::to_string(overview->GetYSize());
  }
  report.Add("overviews", "Overviews", sizes, text.empty() ? "none" : text);
}

}  // namespace

std::string NoDataText(GDALRasterBand& band) {
  int has = FALSE;
  std::string text;
  if (band.GetRasterDataType() == GDT_Int64) {
    text = std::to_string(band.GetNoDataValueAsInt64(&has));
  } else if (band.GetRasterDataType() == GDT_UInt64) {
    text = std::to_string(band.GetNoDataValueAsUInt64(&has));
  } else {
    text = ExactText(AsPixelValue({band.GetRasterDataType()}, band.GetNoDataValue(&has)));
  }
  return has != FALSE ? text : "none";
}

Report DescribeRaster(GDALDataset& dataset) {
  Report report;
  if (dataset.GetRasterCount() == 0) {
    const int count = CSLCount(dataset.GetMetadata("SUBDATASETS")) / 2;
    report.Add("subdatasets", "Subdatasets", count,
               std::to_string(count) + ", each an index of the leading axes (see gdalinfo)");
    return report;
  }
  const char* const axes = dataset.GetMetadataItem("AXES", "IMAGE_STRUCTURE");
  GDALRasterBand& band = *dataset.GetRasterBand(1);
  const int width = dataset.GetRasterXSize();
  const int height = dataset.GetRasterYSize();
  if (axes != nullptr) report.Add("axes", "Axes", axes);
  const int bands = dataset.GetRasterCount();
  const std::string type = GDALGetDataTypeName(band.GetRasterDataType());
  const char* const interleave = dataset.GetMetadataItem("INTERLEAVE", "IMAGE_STRUCTURE");
  report.AddValue("width", width);
  report.AddValue("height", height);
  report.AddValue("bands", bands);
  report.Add("type", "Raster", type,
             std::to_string(width) + " x " + std::to_string(height) + " pixels, " +
                 std::to_string(bands) + (bands == 1 ? " band of " : " bands of ") + type);
  if (interleave != nullptr && bands > 1) report.Add("interleave", "Interleave", interleave);
  DescribeGeoreference(dataset, report);
  const std::string nodata = NoDataText(band);
  if (nodata != "none") report.Add("nodata", "Nodata", NumberJson(nodata), nodata);
  DescribeOverviews(band, report);
  return report;
}

}  // namespace ndarray::tools
