// The format .npy, of the driver NPY.

#include "driver/raster/create/option_words.h"
#include "driver/raster/files/checksum_file.h"
#include "driver/raster/files/memory_option.h"
#include "driver/raster/files/vsi_file.h"
#include "driver/raster/formats/array_driver.h"
#include "driver/raster/formats/array_format.h"
#include "driver/raster/formats/npz_archive.h"
#include "driver/store/npy/npy_array.h"
#include "driver/store/npy/npy_header.h"
#include "driver/store/npy/npy_writer.h"

namespace ndarray {
namespace {

bool Detect(std::string_view first_bytes) {
  return first_bytes.substr(0, kNpyMagic.size()) == kNpyMagic;
}

// Anybody may write to it at any time: there is nothing to keep others out of.
Result<std::shared_ptr<Array>> Open(const std::string& path, OpenFor purpose, int max_threads,
                                    const OpenPolicy& policy) {
  if (purpose == OpenFor::kReading) {
    Result<std::shared_ptr<ByteFile>> file = OpenByteFile(path, policy.map);
    if (!file.ok()) return file.status();
    return OpenNpyArray(std::move(*file), max_threads);
  }
  Result<std::shared_ptr<WritableFile>> file = OpenWritableFile(path, policy.map);
  if (!file.ok()) return file.status();
  Result<std::shared_ptr<WritableArray>> array =
      OpenNpyForUpdate(std::move(*file), max_threads, [path] { RemoveChecksumFile(path); });
  if (!array.ok()) return array.status();
  return std::shared_ptr<Array>(std::move(*array));
}

Result<std::shared_ptr<ArrayArchive>> OpenArchive(const std::string& path,
                                                  const OpenPolicy& policy) {
  return OpenNpz(path, policy.map);
}

constexpr ArchiveKind kNpz = {/*extension=*/"npz", /*is_written=*/false, OpenArchive,
                              /*build_levels=*/nullptr};

Result<ElementType> ReadElement(const std::shared_ptr<ByteFile>& file) {
  Result<NpyHeader> header = ReadNpyHeader(*file);
  if (!header.ok()) return header.status();
  return ElementType{header->fields, header->is_record, header->element_bytes, header->dtype_text,
                     header->record_text};
}

std::string CreationOptions() {
  return std::string("<CreationOptionList>") + kShapeOptions + kNpyIgnoredOptions +
         "</CreationOptionList>";
}

Result<WriterStarter> Plan(const NewArray& array, StringList options) {
  if (IsArchiveName(kNpyFormat, array.path)) {
    return Mismatch(StatusCode::kNotSupported, "name", "one of an archive, which is only read",
                    "one that ends in .npy (numpy.savez makes a .npz of arrays)")
        .At(array.path);
  }
  const AxisVector block = NpyGranule(array.shape, array.element_bytes(), false);
  const auto side = [&](char letter) {
    const size_t axis = array.axes.find(letter);
    return axis == std::string::npos ? 1 : static_cast<int>(block[static_cast<int>(axis)]);
  };
  WarnOfUnused(array.path, options, side('X'), side('Y'));
  const ElementType element = array.element();
  const AxisVector shape = array.shape;
  return WriterStarter([element, shape](OutputFile& file, const std::vector<Attribute>&,
                                        Contents contents) -> Result<std::unique_ptr<ArrayWriter>> {
    Result<std::unique_ptr<NpyWriter>> writer = NpyWriter::Start(file, element, shape, contents);
    if (!writer.ok()) return writer.status();
    return std::unique_ptr<ArrayWriter>(std::move(*writer));
  });
}

}  // namespace

const ArrayFormat kNpyFormat = {
    /*driver=*/"NPY",
    /*long_name=*/"NumPy array (.npy)",
    /*extension=*/"npy",
    Detect,
    /*refuse_folder=*/nullptr,
    /*open_options=*/"",
    /*open_policy=*/[](StringList options) { return OpenPolicy{PolicyOfPlainFile(options)}; },
    Open,
    ReadElement,
    CreationOptions,
    Plan,
    /*max_axes=*/kMaxAxes,
    /*max_element_bytes=*/INT64_MAX,
    /*has_chunks=*/false,
    /*keeps_metadata=*/false,
    /*store_masks=*/nullptr,
    &kNpz,
    AddCallbacks<kNpyFormat>,
};

}  // namespace ndarray
