// Every difference between the GDAL versions this project builds with, and nothing else. Code
// elsewhere names no GDAL version. Tested with 3.6, 3.10 and 3.13; what is said of the others
// (3.12, which rasterio's wheels 1.5 have, among them) is what GDAL's migration guide says. The
// development version of 3.14 changes nothing that is overridden here.
#ifndef GDAL_NDARRAY_RASTER_GDAL_COMPAT_H_
#define GDAL_NDARRAY_RASTER_GDAL_COMPAT_H_

#include <gdal.h>
#include <gdal_pam.h>
#include <gdal_priv.h>

#define NDARRAY_GDAL_AT_LEAST(major, minor) \
  (GDAL_VERSION_NUM >= GDAL_COMPUTE_VERSION(major, minor, 0))

#if !NDARRAY_GDAL_AT_LEAST(3, 6)
#error "GDAL 3.6 or newer is needed"
#endif

// 3.10: the band list of IRasterIO has a name.
#ifndef BANDMAP_TYPE
#define BANDMAP_TYPE int*
#endif

namespace ndarray {

// 3.7: signed bytes; datasets report failures of FlushCache; bands that stand for others are asked
// with an argument.
#define NDARRAY_HAS_INT8 NDARRAY_GDAL_AT_LEAST(3, 7)
#if NDARRAY_GDAL_AT_LEAST(3, 7)
#define NDARRAY_PROXY_ARGUMENT bool
using FlushResult = CPLErr;
inline CPLErr FlushPam(GDALPamDataset& dataset, bool at_closing) {
  return dataset.GDALPamDataset::FlushCache(at_closing);
}
#else
#define NDARRAY_PROXY_ARGUMENT
using FlushResult = void;
inline CPLErr FlushPam(GDALPamDataset& dataset, bool at_closing) {
  dataset.GDALPamDataset::FlushCache(at_closing);
  return CE_None;
}
#endif

// 3.7: datasets are closed, with a result, before they are destroyed; 3.13: with progress, too.
#define NDARRAY_HAS_CLOSE NDARRAY_GDAL_AT_LEAST(3, 7)
#if NDARRAY_GDAL_AT_LEAST(3, 13)
#define NDARRAY_CLOSE_PARAMETERS GDALProgressFunc progress, void *progress_data
#define NDARRAY_CLOSE_ARGUMENTS progress, progress_data
#else
#define NDARRAY_CLOSE_PARAMETERS
#define NDARRAY_CLOSE_ARGUMENTS
#endif

// 3.8: a driver says what in a name is the path. VRTs keep it relative then, and can be moved.
#define NDARRAY_HAS_SUBDATASET_INFO NDARRAY_GDAL_AT_LEAST(3, 8)

// 3.8: groups of the multidimensional API know themselves.
#define NDARRAY_HAS_GROUP_SELF NDARRAY_GDAL_AT_LEAST(3, 8)

// 3.8: attributes of the multidimensional API can be deleted.
#define NDARRAY_HAS_DELETE_ATTRIBUTE NDARRAY_GDAL_AT_LEAST(3, 8)

// 3.13: arrays can say themselves that positions are regular (the class that GDAL has for those is
// final).
#define NDARRAY_HAS_VIRTUAL_SPACING NDARRAY_GDAL_AT_LEAST(3, 13)

// 3.10: a dataset can say that it is safe to share between threads; block access is virtual.
#if NDARRAY_GDAL_AT_LEAST(3, 10)
#define NDARRAY_HAS_THREAD_SAFE_DATASETS 1
constexpr int kThreadSafeFlag = GDAL_OF_THREAD_SAFE;
#else
#define NDARRAY_HAS_THREAD_SAFE_DATASETS 0
constexpr int kThreadSafeFlag = 0;
#endif

// Before 1.4.3, which the distributions have with 3.10 and newer, rasterio raises an exception for
// names of COMPRESSION that it does not know, at each look at a profile. These it knows.
inline bool MayBeCompression([[maybe_unused]] const char* name) {
#if NDARRAY_GDAL_AT_LEAST(3, 10)
  return true;
#else
  return EQUAL(name, "ZSTD") || EQUAL(name, "NONE");
#endif
}

// 3.11: half precision.
#define NDARRAY_HAS_FLOAT16 NDARRAY_GDAL_AT_LEAST(3, 11)

// 3.12: geotransforms have a class.
#if NDARRAY_GDAL_AT_LEAST(3, 12)
using NewGeoTransform = const GDALGeoTransform&;
using GeoTransformResult = GDALGeoTransform&;
#define NDARRAY_CONST_GETTER const
#else
using NewGeoTransform = double*;
using GeoTransformResult = double*;
#define NDARRAY_CONST_GETTER
#endif

// 3.13: string lists are const, in both directions.
#if NDARRAY_GDAL_AT_LEAST(3, 13)
using StringList = CSLConstList;
using MetadataList = CSLConstList;
#else
using StringList = char**;
using MetadataList = char**;
#endif

// 3.11: the driver says what update mode can change, next to DCAP_UPDATE.
#ifdef GDAL_DMD_UPDATE_ITEMS
inline void DeclareUpdateItems(GDALDriver& driver, const char* items) {
  driver.SetMetadataItem(GDAL_DCAP_UPDATE, "YES");
  driver.SetMetadataItem(GDAL_DMD_UPDATE_ITEMS, items);
}
#else
inline void DeclareUpdateItems(GDALDriver&, const char*) {}
#endif

// 3.12: a driver says whether an open file can be read once its name is gone.
#ifdef GDAL_DCAP_CAN_READ_AFTER_DELETE
constexpr const char* kCanReadAfterDelete = GDAL_DCAP_CAN_READ_AFTER_DELETE;
#else
constexpr const char* kCanReadAfterDelete = nullptr;
#endif

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_GDAL_COMPAT_H_
