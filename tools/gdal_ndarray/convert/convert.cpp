// gdal_ndarray convert: any raster that GDAL reads, or a stack of TIFF pages, as .npy or .b2nd.

#include <cpl_conv.h>
#include <cpl_error.h>
#include <gdal_vrt.h>

#include <algorithm>
#include <climits>
#include <functional>
#include <optional>

#include "driver/raster/axes.h"
#include "driver/raster/files/dataset_name.h"
#include "driver/raster/files/vsi_file.h"
#include "driver/raster/formats/array_create.h"
#include "driver/raster/metadata/stored_metadata.h"
#include "tools/gdal_ndarray/checksum.h"
#include "tools/gdal_ndarray/convert/convert_array.h"
#include "tools/gdal_ndarray/convert/convert_options.h"
#include "tools/gdal_ndarray/convert/overviews.h"
#include "tools/gdal_ndarray/convert/staging.h"
#include "tools/gdal_ndarray/convert/tiff_stack.h"
#include "tools/gdal_ndarray/file_name.h"
#include "tools/gdal_ndarray/source.h"
#include "tools/gdal_ndarray/subcommands.h"
#include "tools/gdal_ndarray/write_file.h"

namespace ndarray::tools {
namespace {

struct Job : ConvertArguments {
  explicit Job(const ConvertArguments& arguments)
      : ConvertArguments(arguments), written(destination) {}

  GDALProgressFunc progress() const { return GdalProgress(quiet); }

  std::string written;  // where DST is made: elsewhere if its overviews are still to come
};

// GTiff of these versions mixes up the pixels of band-interleaved files that several threads read,
// or crashes; in the sources of a VRT, too, which follow GDAL_NUM_THREADS.
constexpr bool kThreadsMixUpBands = !NDARRAY_GDAL_AT_LEAST(3, 8);

const char* ThreadsOf(GDALDataset& source) {
  const char* const interleave = source.GetMetadataItem("INTERLEAVE", "IMAGE_STRUCTURE");
  const bool mixed_up =
      source.GetRasterCount() > 1 && interleave != nullptr && EQUAL(interleave, "BAND");
  return mixed_up ? "1" : CPLGetConfigOption("GDAL_NUM_THREADS", "ALL_CPUS");
}

// Megabytes of the source that count as memory of this process, whatever its size: a .npy above
// that is read without a map.
constexpr const char* kMaxResident = "128";

DatasetPointer OpenSource(const std::string& path) {
  if (CPLGetConfigOption("NDARRAY_MAX_RESIDENT", nullptr) == nullptr) {
    CPLSetConfigOption("NDARRAY_MAX_RESIDENT", kMaxResident);
  }
  if (!kThreadsMixUpBands && CPLGetConfigOption("GDAL_NUM_THREADS", nullptr) == nullptr) {
    CPLSetConfigOption("GDAL_NUM_THREADS", "ALL_CPUS");
  }
  DatasetPointer source = OpenRaster(path);
  RequireBands(*source, path);
  if (kThreadsMixUpBands && EQUAL(source->GetDriverName(), "GTiff")) {
    CPLStringList options;
    options.SetNameValue("NUM_THREADS", ThreadsOf(*source));
    source = OpenRaster(path, options.List());
  }
  return source;
}

// What the driver would refuse is wrong usage, found before anything is touched.
void CheckPlan(const ArrayFormat& format, GDALDataset& source, const Job& arguments,
               StringList options) {
  Result<NewArray> array =
      PlanCopy(arguments.destination.c_str(), format.driver, source, false, options);
  if (array.status().code() == StatusCode::kInvalidArgument) {
    throw WrongUsage(array.status().message());
  }
  PlanNew(format, Value(std::move(array)), options);
}

void ConvertRaster(const Job& arguments, const ArrayFormat& format,
                   const std::optional<Reading>& access, CPLStringList options) {
  DatasetPointer source = OpenSource(arguments.source);
  RefuseToReplace(*source, arguments.destination);
  RequireBands(*source, arguments.bands, arguments.source);
  DatasetPointer chosen;  // a dataset of their own, with all that belongs to them
  if (!arguments.bands.empty()) {
    chosen = Translate(*source, "", {"-of", "VRT"}, arguments.bands, WatchForInterrupt,
                       arguments.source + ": cannot choose bands");
  }
  GDALDataset& image = chosen != nullptr ? *chosen : *source;
  if (access) {
    AddAccessOptions(*access,
                     {image.GetRasterXSize(), image.GetRasterYSize(), image.GetRasterCount()},
                     GDALGetDataTypeSizeBytes(image.GetRasterBand(1)->GetRasterDataType()), format,
                     true, options);
  }
  CheckPlan(format, image, arguments, options.List());
  LimitCache(image);
  ForgetGdalErrors();
  GDALDriver* const driver = GetGDALDriverManager()->GetDriverByName(format.driver);
  const DatasetPointer written(driver->CreateCopy(arguments.written.c_str(), &image, FALSE,
                                                  options.List(), arguments.progress(), nullptr));
  if (written == nullptr) {
    ThrowGdalFailure(arguments.destination + ": cannot write",
                     {arguments.source, arguments.destination});
  }
}

// Whether the pages are the bands of a raster: those of very long stacks are not.
bool IsRaster(const Stack& stack) {
  return stack.array.shape.size() == 3 && stack.array.shape[0] <= MaxBandCount();
}

// A dataset of no pixels with what GDAL says of the first page, for all of them.
DatasetPointer DescribeStack(const TiffPages& pages, const Stack& stack) {
  // Opened by this name, GDAL does not count the pages, which takes long if there are many.
  const std::string path = "GTIFF_DIR:" + std::to_string(pages.first_number()) + ":" + pages.path();
  // libtiff decodes the pixels: what GDAL has to say of them is not asked for.
  CPLPushErrorHandler(CPLQuietErrorHandler);
  const DatasetPointer first(GDALDataset::Open(path.c_str(), GDAL_OF_RASTER));
  CPLPopErrorHandler();
  const int bands = IsRaster(stack) ? static_cast<int>(stack.array.shape[0]) : 1;
  GDALDriver* const driver = GetGDALDriverManager()->GetDriverByName("VRT");
  DatasetPointer all(driver->Create("", stack.array.width, stack.array.height, bands,
                                    stack.array.type.gdal, nullptr));
  if (all == nullptr) ThrowGdalFailure(path + ": cannot describe");
  if (first == nullptr || first->GetRasterCount() == 0) return all;
  double transform[6];
  if (GDALGetGeoTransform(GDALDataset::ToHandle(first.get()), transform) == CE_None) {
    GDALSetGeoTransform(GDALDataset::ToHandle(all.get()), transform);
  }
  if (first->GetSpatialRef() != nullptr) all->SetSpatialRef(first->GetSpatialRef());
  all->SetMetadata(first->GetMetadata());
  int has_nodata = FALSE;
  const double nodata = first->GetRasterBand(1)->GetNoDataValue(&has_nodata);
  for (int band = 1; has_nodata && IsRaster(stack) && band <= bands; ++band) {
    all->GetRasterBand(band)->SetNoDataValue(nodata);
  }
  return all;
}

// Where files have no metadata of their own: into the sidecar, if the array is a raster.
void DescribeBeside(const ArrayFormat& format, GDALDataset& description, const Stack& stack) {
  if (!IsRaster(stack)) return;
  NewArray named = stack.array;
  named.axes = "BYX";
  ForgetGdalErrors();
  if (DescribeInSidecar(format, named, description) == nullptr) {
    ThrowGdalFailure(stack.array.path + ": is complete, but cannot be opened to add metadata");
  }
}

// What there is not for a source that is no raster of bands; `kind`: "a stack of pages".
void RefuseRasterOptions(const Job& arguments, const std::string& kind, bool is_raster,
                         const AxisVector& shape, const CPLStringList& options) {
  const auto refuse = [&](const std::string& what) {
    throw Failure(arguments.source + ": is " + kind + ", for which there is no " + what);
  };
  for (const char* const name : {"INTERLEAVE", "AXES", "PIXELTYPE"}) {
    if (options.FetchNameValue(name) != nullptr) refuse(std::string("-co ") + name);
  }
  if (arguments.overviews && !is_raster) {
    refuse("--overviews: as " + ShapeString(shape) + " it is no raster");
  }
}

void ConvertStack(TiffPages& pages, const Job& arguments, const ArrayFormat& format,
                  const std::optional<Reading>& access, CPLStringList options) {
  if (!arguments.bands.empty()) pages.Choose(arguments.bands);
  Stack stack = PlanStack(pages, arguments.written);
  stack.array.max_threads = ThreadsFrom(options);
  const NewArray& array = stack.array;
  RefuseRasterOptions(arguments, "a stack of pages", IsRaster(stack), array.shape, options);
  RefuseToReplace(arguments.source, arguments.destination);
  const DatasetPointer description = DescribeStack(pages, stack);
  const auto element_bytes = static_cast<int64_t>(array.dtype.size_bytes());
  if (access) {
    const auto at_most_int = [](int64_t count) {
      return static_cast<int>(std::min<int64_t>(count, INT_MAX));
    };
    AddAccessOptions(
        *access,
        {at_most_int(pages.width()), at_most_int(pages.height()), at_most_int(pages.samples())},
        element_bytes, format, false, options);
  }
  std::vector<Attribute> attributes;
  if (format.keeps_metadata) {
    attributes = StoreMetadata(*description, IsRaster(stack) ? "BYX" : "", stack.names, array.path);
  }
  WriteFile(array.path, PlanNew(format, array, options.List()), attributes, SourceOf(pages, stack),
            ProgressOf(arguments.quiet));
  if (!format.keeps_metadata) DescribeBeside(format, *description, stack);
}

void ConvertManyAxes(const ManyAxes& source, const Job& arguments, const ArrayFormat& format,
                     const std::optional<Reading>& access, const CPLStringList& options) {
  const AxisVector& shape = source.array->info().shape;
  const std::string kind = "an array of " + std::to_string(shape.size()) + " axes";
  RefuseRasterOptions(arguments, kind, false, shape, options);
  if (!arguments.bands.empty()) {
    const DatasetName name = ParseName(arguments.source);
    throw Failure(arguments.source + ": is " + kind + ", for which there is no --bands (" +
                  FormatDatasetName(source.format->driver, name.path, name.part,
                                    AxisVector(shape.size() - kMaxRasterAxes, 0)) +
                  " is a part that has bands)");
  }
  RefuseToReplace(ParseName(arguments.source).path, arguments.destination);
  ConvertArray(source, arguments.written, format, access, options, ProgressOf(arguments.quiet));
}

std::unique_ptr<TiffPages> FindPages(const std::string& path) {
  VSIStatBufL about;
  if (VSIStatL(path.c_str(), &about) != 0 || VSI_ISDIR(about.st_mode)) return nullptr;
  Result<std::shared_ptr<ByteFile>> file = OpenByteFile(path);
  return file.ok() ? TiffPages::Find(std::move(*file)) : nullptr;
}

void ConvertFile(const Job& arguments, const ArrayFormat& format,
                 const std::optional<Reading>& access, const CPLStringList& options) {
  if (const std::unique_ptr<TiffPages> pages = FindPages(arguments.source)) {
    ConvertStack(*pages, arguments, format, access, options);
  } else if (const auto array = FindArrayOfManyAxes(arguments.source)) {
    ConvertManyAxes(*array, arguments, format, access, options);
  } else {
    ConvertRaster(arguments, format, access, options);
  }
}

std::string Replaced(std::string text, const std::string& what, const std::string& by) {
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size()) {
    text.replace(at, what.size(), by);
  }
  return text;
}

// What is made in the folder of the staging is published if `make` and `finish` succeed, and if
// only `finish` fails. Messages name what the user named.
void MakeInStaging(Staging& staging, const std::string& destination,
                   const std::function<void()>& make, const std::function<void()>& finish) {
  try {
    make();
    std::string failure;
    try {
      finish();
    } catch (const Failure& error) {
      failure = error.what();
    }
    StopIfInterrupted();
    staging.Publish();
    if (!failure.empty()) throw Failure(failure);
  } catch (const WrongUsage& error) {
    throw WrongUsage(Replaced(error.what(), staging.path(), destination));
  } catch (const Failure& error) {
    throw Failure(Replaced(error.what(), staging.path(), destination));
  }
}

}  // namespace

ExitCode Convert(const ConvertArguments& asked) {
  Job arguments(asked);
  arguments.source = GdalName(asked.source);
  std::optional<Reading> access;
  if (arguments.access) access = ParseReading(*arguments.access);
  const ArrayFormat& format = FormatFor(arguments.destination);
  CPLStringList options = ParseCreationOptions(format, arguments.creation_options);
  if (arguments.overviews && IsArchiveName(format, arguments.destination)) {
    arguments.overviews = false;  // they are in it
    if (options.FetchNameValue("OVERVIEWS") == nullptr) options.SetNameValue("OVERVIEWS", "AUTO");
  }
  if (!arguments.checksum.empty() && &format != &kNpyFormat) {
    throw WrongUsage("--checksum: found " + arguments.destination + ", wanted a .npy");
  }
  // Options are checked here, where a wrong one is an error.
  CPLSetConfigOption("GDAL_VALIDATE_CREATION_OPTIONS", "NO");
  const auto make = [&] { ConvertFile(arguments, format, access, options); };
  const auto finish = [&] {
    if (!arguments.checksum.empty()) {
      WriteChecksumFile(arguments.written, ProgressOf(arguments.quiet));
    }
    if (arguments.overviews) BuildOverviews(arguments.written, arguments.progress());
  };
  if (!arguments.overviews && arguments.checksum.empty()) {
    make();
  } else if (IsVirtualPath(arguments.destination)) {
    make();
    finish();
  } else {
    Staging staging(arguments.destination);
    arguments.written = staging.path();
    MakeInStaging(staging, arguments.destination, make, finish);
  }
  return kDone;
}

}  // namespace ndarray::tools
