#include "driver/raster/formats/array_multidim.h"

#include <cpl_string.h>
#include <cpl_vsi.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "driver/raster/create/option_words.h"
#include "driver/raster/create/overwrite.h"
#include "driver/raster/dataset/array_dataset.h"
#include "driver/raster/files/dataset_name.h"
#include "driver/raster/files/vsi_file.h"
#include "driver/raster/formats/array_create.h"
#include "driver/raster/formats/array_open.h"
#include "driver/raster/gdal_error.h"
#include "driver/raster/multidim/md_create.h"
#include "driver/raster/threads.h"
#include "driver/raster/xml_tree.h"
#include "driver/store/io/output_file.h"
#include "driver/store/progress.h"

namespace ndarray {
namespace {

// One number for each axis; empty where the option is not given.
Result<AxisVector> ListOption(CSLConstList options, const char* name, const AxisVector& shape) {
  const char* const text = CSLFetchNameValue(options, name);
  AxisVector list;
  if (text == nullptr) return list;
  const Status bad = Mismatch(StatusCode::kInvalidArgument, name, text,
                              std::to_string(shape.size()) + " numbers, with commas between them");
  const CPLStringList words(CSLTokenizeString2(text, ",", CSLT_STRIPLEADSPACES));
  if (words.size() != shape.size()) return bad;
  for (int axis = 0; axis < shape.size(); ++axis) {
    const char* const end = words[axis] + std::strlen(words[axis]);
    int64_t number = 0;
    const auto [stop, error] = std::from_chars(words[axis], end, number);
    if (error != std::errc() || stop != end || number < 1) return bad;
    list.push_back(std::min(number, shape[axis]));
  }
  return list;
}

// Blocks of about 32 KB that divide chunks: the last axes are halved least.
AxisVector BlockOf(const AxisVector& chunk, int64_t element_bytes) {
  constexpr int64_t kBlockBytes = int64_t{32} << 10;
  AxisVector block = chunk;
  const auto is_large = [&] {
    const auto count = CheckedProduct(block);
    return !count || *count > kBlockBytes / element_bytes;
  };
  for (int axis = 0; axis < block.size(); ++axis) {
    while (is_large() && block[axis] > 1) {
      int64_t smaller = block[axis] / 2;
      while (chunk[axis] % smaller != 0) --smaller;
      block[axis] = smaller;
    }
  }
  return block;
}

Status Cut(const ArrayFormat& format, CSLConstList options, NewArray& array) {
  if (!format.has_chunks) return {};
  Result<AxisVector> chunk = ListOption(options, "BLOCKSIZE", array.shape);
  if (!chunk.ok()) return chunk.status();
  Result<AxisVector> block = ListOption(options, "BLOCKS", array.shape);
  if (!block.ok()) return block.status();
  if (chunk->empty() && block->empty()) return {};
  if (chunk->empty()) {
    return Mismatch(StatusCode::kInvalidArgument, "BLOCKS", CSLFetchNameValue(options, "BLOCKS"),
                    "BLOCKSIZE (of chunks), too");
  }
  array.source_chunk = *chunk;
  array.source_block = block->empty() ? BlockOf(*chunk, array.element_bytes()) : *block;
  for (int axis = 0; axis < chunk->size(); ++axis) {
    if ((*chunk)[axis] % array.source_block[axis] != 0) {
      return Mismatch(StatusCode::kInvalidArgument, "BLOCKS", ShapeString(array.source_block),
                      "numbers that divide those of chunks " + ShapeString(*chunk));
    }
  }
  return {};
}

Result<NewArray> PlanMultidim(const ArrayFormat& format, const std::string& path,
                              const AxisVector& shape, ScalarType type, CSLConstList options) {
  NewArray array;
  array.path = path;
  const int rank = shape.size();
  if (rank > format.max_axes) {
    return Mismatch(StatusCode::kNotSupported, "dimensions", std::to_string(rank),
                    "at most " + std::to_string(format.max_axes))
        .At(path);
  }
  array.dtype = {type, kNativeOrder};
  array.type = ToBandType(type);
  array.shape = shape;
  const auto bytes = CheckedProduct(shape);
  if (!bytes || *bytes > INT64_MAX / array.element_bytes()) {
    return Mismatch(StatusCode::kNotSupported, "shape", ShapeString(shape),
                    "less than 2^63 bytes in all")
        .At(path);
  }
  array.axes = rank == 1 ? "X" : std::string(static_cast<size_t>(rank - 2), kPlanes) + "YX";
  array.bands = 1;
  const auto side = [](int64_t length) {
    return static_cast<int>(std::min<int64_t>(length, INT32_MAX));
  };
  array.width = side(shape[rank - 1]);
  array.height = rank == 1 ? 1 : side(shape[rank - 2]);
  Result<int> threads = ThreadsFromOption(CSLFetchNameValue(options, "NUM_THREADS"));
  if (!threads.ok()) return threads.status().At(path);
  array.max_threads = *threads;
  Status status = Cut(format, options, array);
  if (!status.ok()) return status.At(path);
  return array;
}

Result<std::shared_ptr<Array>> MakeFile(const ArrayFormat& format, const NewArray& array,
                                        CSLConstList asked) {
  CPLStringList options(CSLDuplicate(asked));
  for (const char* const name : {"BLOCKSIZE", "BLOCKS"}) {
    if (format.has_chunks) options.SetNameValue(name, nullptr);  // the plan has them
  }
  Result<WriterStarter> start = format.plan(array, options.List());
  if (!start.ok()) return start.status();
  Status status = CheckMayUpdate(array.path);
  if (!status.ok()) return status;
  {
    Result<std::unique_ptr<OutputFile>> file = CreateOutputFile(array.path);
    if (!file.ok()) return file.status();
    Result<std::unique_ptr<ArrayWriter>> writer = (*start)(**file, {}, Contents::kZeros);
    if (!writer.ok()) return writer.status();
    status = (*writer)->Finish();
    if (status.ok()) status = CommitOver(**file);
    if (!status.ok()) return status;
  }
  return format.open(array.path, OpenFor::kFirstWrites, array.max_threads,
                     format.open_policy(nullptr));
}

// The names, and aliases, of options of arrays: all, or those that are not ignored.
std::vector<std::string> OptionNames(const ArrayFormat& format, bool all) {
  const XmlTree tree(CPLParseXMLString(MultidimOptions(format, "Options").c_str()));
  std::vector<std::string> names;
  for (const CPLXMLNode* node = tree != nullptr ? tree->psChild : nullptr; node != nullptr;
       node = node->psNext) {
    if (!all && STARTS_WITH(CPLGetXMLValue(node, "description", ""), kIgnored)) continue;
    for (const char* const attribute : {"name", "alias"}) {
      const char* const name = CPLGetXMLValue(node, attribute, nullptr);
      if (name != nullptr) names.emplace_back(name);
    }
  }
  return names;
}

// Those that arrays have; the others (but GDAL's own, which begin with "ARRAY:") go to `unknown`.
CPLStringList KnownOptions(const ArrayFormat& format, CSLConstList options, std::string& unknown) {
  const std::vector<std::string> names = OptionNames(format, true);
  CPLStringList known;
  for (; options != nullptr && *options != nullptr; ++options) {
    const std::string name(*options, std::strcspn(*options, "="));
    const bool is_known = std::any_of(names.begin(), names.end(), [&](const std::string& pattern) {
      const size_t star = pattern.find('*');
      return EQUAL(name.substr(0, star).c_str(), pattern.substr(0, star).c_str());
    });
    if (is_known) {
      known.AddString(*options);
    } else if (!STARTS_WITH_CI(*options, "ARRAY:")) {
      unknown += (unknown.empty() ? "" : ", ") + std::string(*options);
    }
  }
  return known;
}

CPLStringList KnownOptionsOrWarning(const ArrayFormat& format, const std::string& path,
                                    CSLConstList options) {
  std::string unknown;
  CPLStringList known = KnownOptions(format, options, unknown);
  if (unknown.empty()) return known;
  std::string list;
  for (const std::string& name : OptionNames(format, false)) {
    list += (list.empty() ? "" : ", ") + name;
  }
  ReportWarning(path + ": ignored: " + unknown + "; options of arrays of the driver " +
                format.driver + " are " + list);
  return known;
}

// A caller's progress, of which is known whether it has stopped the work: GDAL does not say that.
struct WatchedProgress {
  GDALProgressFunc progress;
  void* data;
  bool is_stopped = false;

  static int CPL_STDCALL Call(double done, const char* message, void* self) {
    auto& watched = *static_cast<WatchedProgress*>(self);
    if (watched.progress(done, message, watched.data) == FALSE) watched.is_stopped = true;
    return watched.is_stopped ? FALSE : TRUE;
  }
};

// Where GDAL has reported nothing.
Status WhyNoCopy(bool is_copied, bool is_stopped) {
  if (is_stopped) return Cancelled();
  if (!is_copied) {
    return Status(StatusCode::kNotSupported,
                  "a part of the source could not be copied, and none may be left out");
  }
  return Mismatch(StatusCode::kNotSupported, "arrays of the source", "none that is copied",
                  "one with dimensions, of another name than its dimension's");
}

// Positions have none.
bool HasFile(const GDALGroup& group) {
  for (const std::string& name : group.GetMDArrayNames()) {
    const auto array = group.OpenMDArray(name);
    if (array != nullptr && !array->GetFilename().empty()) return true;
  }
  return false;
}

// What was written gets its name, in place of an older file and its sidecars.
Status Rename(const std::string& from, const std::string& to) {
  OldSidecars old(to);
  Status status = old.SetAside();
  if (!status.ok()) return status;
  if (VSIRename(from.c_str(), to.c_str()) != 0) {
    return Status(StatusCode::kIo, "could not be renamed to " + to).At(from);
  }
  old.Discard();
  // That of a .npy: without it the array is there all the same.
  constexpr const char* kSidecar = ".aux.xml";
  VSIStatBufL about;
  if (VSIStatExL((from + kSidecar).c_str(), &about, VSI_STAT_EXISTS_FLAG) == 0 &&
      VSIRename((from + kSidecar).c_str(), (to + kSidecar).c_str()) != 0) {
    return Status(StatusCode::kIo, "could not be renamed to " + to + kSidecar).At(from + kSidecar);
  }
  return {};
}

// As CreateMultidim.
GDALDataset* MakeNew(const ArrayFormat& format, const char* path, CSLConstList options,
                     bool is_temporary) {
  return Guarded<GDALDataset*>(nullptr, [&]() -> GDALDataset* {
    if (HasDriverPrefix(path, format.driver)) {
      Report(Mismatch(StatusCode::kInvalidArgument, "file name", path, "a path"));
      return nullptr;
    }
    const std::string name = path;
    // GDAL has compared these with their list itself.
    std::string unknown;
    const CPLStringList for_all = KnownOptions(format, options, unknown);
    auto make = [&format, name, for_all](const AxisVector& shape, ScalarType type,
                                         CSLConstList own) -> Result<std::shared_ptr<Array>> {
      const WritingMark mark;
      const CPLStringList known = KnownOptionsOrWarning(format, name, own);
      const CPLStringList both(CSLMerge(CSLDuplicate(for_all.List()), known.List()));
      Result<NewArray> array = PlanMultidim(format, name, shape, type, both.List());
      if (!array.ok()) return array.status();
      return MakeFile(format, *array, both.List());
    };
    return MakeNewMdDataset(name, std::move(make), is_temporary).release();
  });
}

}  // namespace

GDALDataset* CreateMultidim(const ArrayFormat& format, const char* path, CSLConstList options) {
  return MakeNew(format, path, options, /*is_temporary=*/false);
}

bool IsMultidimSource(GDALDataset& source) {
  if (source.GetRootGroup() == nullptr) return false;
  return source.GetRasterCount() == 0 || dynamic_cast<const ArrayDataset*>(&source) != nullptr;
}

GDALDataset* CopyMultidim(const ArrayFormat& format, const char* path, GDALDataset& source,
                          bool strict, CSLConstList options, GDALProgressFunc progress,
                          void* progress_data) {
  const WritingMark mark;
  Status status = CheckMayUpdate(path);
  if (!status.ok()) return Report(status), nullptr;
  const std::string part = TemporaryPath(path, ".partial");
  // GDAL has compared them with those of a raster.
  const CPLStringList known = KnownOptionsOrWarning(format, path, options);
  std::unique_ptr<GDALDataset> made(MakeNew(format, part.c_str(), known.List(), true));
  if (made == nullptr) return nullptr;
  WatchedProgress watched{progress != nullptr ? progress : GDALDummyProgress, progress_data};
  // Where not strict, GDAL goes on after a chunk that it could not read: what was reported is a
  // failure all the same.
  CPLErrorReset();
  CPLErr copied = GDALDriver::DefaultCreateCopyMultiDimensional(
      &source, made.get(), strict, options, WatchedProgress::Call, &watched);
  if (CPLGetLastErrorType() >= CE_Failure) copied = CE_Failure;
  if (copied == CE_None) {  // older versions of GDAL return nothing
    CPLErrorReset();
    made->FlushCache(false);
    if (CPLGetLastErrorType() >= CE_Failure) copied = CE_Failure;
  }
  const bool is_there = HasFile(*made->GetRootGroup());
  made.reset();
  if (CPLGetLastErrorType() < CE_Failure && (copied != CE_None || !is_there)) {
    Report(WhyNoCopy(copied == CE_None, watched.is_stopped).At(path));
  }
  if (copied == CE_None && is_there) {
    status = Rename(part, path);
    if (status.ok()) {
      GDALOpenInfo open_info(path, GDAL_OF_MULTIDIM_RASTER | GDAL_OF_UPDATE);
      return OpenArrayDataset(format, &open_info);
    }
    Report(status);
  }
  if (is_there) Report(DeleteRaster(part));
  return nullptr;
}

std::string MultidimOptions(const ArrayFormat& format, const std::string& root) {
  std::string list = format.creation_options();
  // Options of a raster's own.
  for (const char* const name : {"INTERLEAVE", "AXES", "BLOCKXSIZE", "BLOCKYSIZE", "CHUNKXSIZE",
                                 "CHUNKYSIZE", "BLOCKSIZE", "BLOCKS"}) {
    const size_t start = list.find(std::string("<Option name='") + name + "'");
    if (start == std::string::npos) continue;
    const size_t next = list.find("<Option name=", start + 1);
    list.erase(start,
               (next == std::string::npos ? list.rfind("</CreationOptionList>") : next) - start);
  }
  const auto replace = [&](const std::string& from, const std::string& to) {
    list.replace(list.find(from), from.size(), to);
  };
  replace("<CreationOptionList>", "<" + root + ">");
  replace("</CreationOptionList>",
          std::string(format.has_chunks
                          ? "<Option name='BLOCKSIZE' type='string' description='Chunks: a number "
                            "for each dimension, with commas between them'/>"
                            "<Option name='BLOCKS' type='string' description='Blocks of chunks: "
                            "numbers that divide those of BLOCKSIZE'/>"
                          : "") +
              "</" + root + ">");
  return list;
}

}  // namespace ndarray
