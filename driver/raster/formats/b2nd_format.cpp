// The format .b2nd, of the driver B2ND.

#include <cpl_string.h>
#include <cpl_vsi.h>

#include <functional>
#include <utility>

#include "driver/raster/create/b2nd_options.h"
#include "driver/raster/create/b2z_options.h"
#include "driver/raster/create/b2z_overviews.h"
#include "driver/raster/create/mask_copy.h"
#include "driver/raster/dataset/cache_limit.h"
#include "driver/raster/files/memory_option.h"
#include "driver/raster/files/vsi_file.h"
#include "driver/raster/formats/array_driver.h"
#include "driver/raster/formats/array_format.h"
#include "driver/raster/formats/b2z_archive.h"
#include "driver/raster/metadata/level_metadata.h"
#include "driver/store/archive/b2z_writer.h"
#include "driver/store/b2nd/b2nd_array.h"
#include "driver/store/b2nd/b2nd_update.h"
#include "driver/store/b2nd/b2nd_writer.h"
#include "driver/store/blosc2/frame_header.h"
#include "driver/store/frame/frame_open.h"

namespace ndarray {
namespace {

// What is larger is no number, and c-blosc2 takes it for bytes.
constexpr int64_t kMaxRecordBytes = 255;

// A folder of that name is a sparse frame, which is ours to refuse. Other folders are not asked.
Status RefuseFolder(const std::string& path) {
  std::string_view name(path);
  if (!name.empty() && name.back() == '/') name.remove_suffix(1);
  constexpr std::string_view kSuffix = ".b2nd";
  if (name.size() < kSuffix.size() || name.substr(name.size() - kSuffix.size()) != kSuffix) {
    return {};
  }
  VSIStatBufL about;
  const bool is_frame = VSIStatL((std::string(name) + "/chunks.b2frame").c_str(), &about) == 0;
  return is_frame ? SparseFrame().At(path) : Status();
}

constexpr const char* kOpenOptions =
    "<Option name='VERIFY' type='boolean' default='YES' description='Whether what is read is "
    "compared "
    "with the checksums in the file'/>";

OpenPolicy Policy(StringList open_options) {
  ApplyCacheLimit();
  return {PolicyOfChunkedFile(open_options), CPLFetchBool(open_options, "VERIFY", true)};
}

Verification VerificationOf(const OpenPolicy& policy) {
  return policy.verifies ? Verification::kAll : Verification::kNo;
}

Result<std::shared_ptr<Array>> OpenForUpdate(const std::string& path, OpenFor purpose,
                                             int max_threads, const OpenPolicy& policy) {
  Result<SharedFile> shared =
      OpenUpdateFile(path, purpose == OpenFor::kLateUpdate ? Joining::kLater : Joining::kNow);
  // On a file system without locks only who has just made a file can be alone with it: all others
  // fail here.
  if (!shared.ok() && shared.status().code() == StatusCode::kNotSupported &&
      purpose == OpenFor::kFirstWrites) {
    shared = OpenUpdateFile(path, Joining::kNever);
  }
  if (!shared.ok()) return shared.status();
  const Chunks chunks =
      purpose == OpenFor::kFirstWrites ? Chunks::kUnwritten : Chunks::kMayBeWritten;
  Result<std::shared_ptr<B2ndForUpdate>> array =
      OpenB2ndForUpdate(std::move(shared->file), max_threads, chunks, kDefaultWriteCacheBytes,
                        std::move(shared->turns), VerificationOf(policy));
  if (!array.ok()) return array.status();
  return std::shared_ptr<Array>(std::move(*array));
}

Result<std::shared_ptr<Array>> Open(const std::string& path, OpenFor purpose, int max_threads,
                                    const OpenPolicy& policy) {
  if (purpose != OpenFor::kReading) return OpenForUpdate(path, purpose, max_threads, policy);
  Result<std::shared_ptr<ByteFile>> file = OpenByteFile(path, policy.map);
  if (!file.ok()) return file.status();
  return OpenB2ndArray(std::move(*file), max_threads, VerificationOf(policy));
}

Result<std::shared_ptr<ArrayArchive>> OpenArchive(const std::string& path,
                                                  const OpenPolicy& policy) {
  return OpenB2z(path, policy.map, VerificationOf(policy));
}

constexpr ArchiveKind kB2z = {/*extension=*/"b2z", /*is_written=*/true, OpenArchive,
                              RewriteOverviews};

Result<ElementType> ReadElement(const std::shared_ptr<ByteFile>& file) {
  Result<OpenedFrame> frame = OpenFrame(file);
  if (!frame.ok()) return frame.status();
  return frame->index->layout().element;
}

Result<std::unique_ptr<ArrayWriter>> StartWriter(const B2ndPlan& plan, OutputFile& file,
                                                 const std::vector<Attribute>& attributes,
                                                 Contents contents) {
  // How large it will be is known only where nothing is compressed.
  if (contents == Contents::kElements && plan.compression.level == 0) {
    const Status space = CheckFreeSpace(
        file.path(), static_cast<uint64_t>(CheckedProduct(plan.layout.shape).value_or(0) *
                                           plan.layout.element.element_bytes));
    if (!space.ok()) return space;
  }
  Result<std::unique_ptr<B2ndWriter>> writer =
      B2ndWriter::Start(file, plan.layout, plan.compression, attributes, plan.max_threads);
  if (!writer.ok()) return writer.status();
  return std::unique_ptr<ArrayWriter>(std::move(*writer));
}

// With its levels, which are in files beside it for a while, it takes 5/3 of the image.
Status CheckSpaceFor(const B2zPlan& plan, const std::string& path) {
  if (plan.levels.compression.level > 0) return {};
  int64_t bytes = CheckedProduct(plan.layout.shape).value_or(0);
  for (const B2ndLayout& level : plan.levels.layouts) {
    bytes += 2 * CheckedProduct(level.shape).value_or(0);
  }
  return CheckFreeSpace(path, static_cast<uint64_t>(bytes * plan.layout.element.element_bytes));
}

Result<WriterStarter> PlanArchive(const NewArray& array, const B2ndPlan& image,
                                  StringList options) {
  Result<B2zPlan> plan = PlanB2z(array, image, options);
  if (!plan.ok()) return plan.status();
  return WriterStarter([plan = std::move(*plan)](OutputFile& file,
                                                 const std::vector<Attribute>& attributes,
                                                 Contents) -> Result<std::unique_ptr<ArrayWriter>> {
    const Status space = CheckSpaceFor(plan, file.path());
    if (!space.ok()) return space;
    std::vector<int> factors;
    B2zAttributes all{attributes, {}, {}};
    for (size_t i = 1; i <= plan.levels.layouts.size(); ++i) {
      factors.push_back(1 << i);
      all.levels.push_back(LevelAttributes(attributes, factors.back()));
    }
    all.group = PyramidAttributes("0", factors, MethodName(plan.levels));
    Result<std::unique_ptr<B2zWriter>> writer =
        B2zWriter::Start(file, plan, all, [&file] { return CreateScratch(file.path()); });
    if (!writer.ok()) return writer.status();
    return std::unique_ptr<ArrayWriter>(std::move(*writer));
  });
}

Result<WriterStarter> Plan(const NewArray& array, StringList options) {
  Result<B2ndPlan> plan = PlanB2nd(array, options);
  if (!plan.ok()) return plan.status();
  if (IsArchiveName(kB2ndFormat, array.path)) return PlanArchive(array, *plan, options);
  const Status status = RefuseOverviews(array, options);
  if (!status.ok()) return status;
  return WriterStarter([plan = std::move(*plan)](OutputFile& file,
                                                 const std::vector<Attribute>& attributes,
                                                 Contents contents) {
    return StartWriter(plan, file, attributes, contents);
  });
}

}  // namespace

const ArrayFormat kB2ndFormat = {
    /*driver=*/"B2ND",
    /*long_name=*/"Blosc2 NDim array (.b2nd)",
    /*extension=*/"b2nd",
    /*detect=*/HasFrameMagic,
    RefuseFolder,
    kOpenOptions,
    Policy,
    Open,
    ReadElement,
    /*creation_options=*/B2ndCreationOptions,
    Plan,
    /*max_axes=*/kMaxB2ndAxes,
    /*max_element_bytes=*/kMaxRecordBytes,
    /*has_chunks=*/true,
    /*keeps_metadata=*/true,
    /*store_masks=*/CopyMasks,
    &kB2z,
    AddCallbacks<kB2ndFormat>,
};

}  // namespace ndarray
