#include "tools/gdal_ndarray/verify/verify_frame.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include "driver/raster/dataset/array_dataset.h"
#include "driver/raster/files/vsi_file.h"
#include "driver/raster/reserved_names.h"
#include "driver/raster/threads.h"
#include "driver/store/b2nd/frame_check.h"
#include "driver/store/box.h"
#include "driver/store/frame/frame_extents.h"
#include "driver/store/frame/frame_open.h"
#include "tools/gdal_ndarray/command.h"
#include "tools/gdal_ndarray/report.h"

namespace ndarray::tools {
namespace {

using Json = nlohmann::ordered_json;

// Pixels and bands of a box of the array, where it is a raster.
void PutWindow(const GDALDataset& dataset, const Box& box, Json& report) {
  const auto* const array = dynamic_cast<const ArrayDataset*>(&dataset);
  if (array == nullptr) return;
  const Axes& axes = array->io().axes();
  const auto start = [&](int axis) { return axis < 0 ? 0 : box.start[axis]; };
  const auto count = [&](int axis) { return axis < 0 ? 1 : box.count(axis); };
  report["window"] = {start(axes.x), start(axes.y), count(axes.x), count(axes.y)};
  if (axes.band >= 0) report["bands"] = {box.start[axes.band] + 1, box.stop[axes.band]};
}

Json DamageReport(const ChunkDamage& damage, const B2ndLayout& layout, const GDALDataset& dataset) {
  const AxisVector chunk = GridPosition(layout.chunk_grid, damage.chunk);
  Json report = {{"chunk", damage.chunk}, {"index", ShapeJson(chunk)}};
  Box box = ChunkBox(layout, chunk);
  if (damage.block) {
    report["block"] = *damage.block;
    const Box block = BlockBox(layout, chunk, GridPosition(layout.block_grid, *damage.block));
    bool padding = false;
    for (int axis = 0; axis < block.start.size(); ++axis) padding |= block.count(axis) <= 0;
    if (padding) {
      report["padding"] = true;  // no element of the array is in that block
    } else {
      box = block;
    }
  }
  PutWindow(dataset, box, report);
  report["array"] = SliceText(box);
  report["offset_bytes"] = damage.offset_bytes;
  if (damage.size_bytes > 0) report["size_bytes"] = damage.size_bytes;
  report["what"] = damage.what.message();
  return report;
}

Json Structure(const FrameIndex& index, const FrameExtents& extents) {
  const FrameSummary& summary = index.summary();
  uint64_t chunks_bytes = 0;
  for (const ChunkExtent& chunk : extents.chunks) chunks_bytes += chunk.size_bytes;
  Json structure = {
      {"file_bytes", summary.file_bytes},
      {"frame_bytes", summary.frame_bytes},
      {"header_bytes", index.header_bytes()},
      {"chunks", index.layout().chunk_count},
      {"special_chunks", summary.special_chunks},
      {"chunks_bytes", chunks_bytes},
      {"index_bytes", summary.index_bytes},
      {"attributes_bytes", summary.trailer_bytes},
      {"dead_bytes", extents.dead_bytes},
      {"dead_percent", 100.0 * static_cast<double>(extents.dead_bytes) /
                           static_cast<double>(std::max<int64_t>(summary.file_bytes, 1))},
      {"trailing_bytes", extents.trailing_bytes},
      {"overlapping_chunks", extents.overlaps.size()},
      {"overlaps", Json::array()},
  };
  for (const auto& [chunk, before] : extents.overlaps) {
    if (structure["overlaps"].size() == kMaxListedDamage) break;
    structure["overlaps"].push_back({{"chunk", chunk.chunk},
                                     {"offset_bytes", chunk.offset_bytes},
                                     {"size_bytes", chunk.size_bytes},
                                     {"with_chunk", before.chunk},
                                     {"with_offset_bytes", before.offset_bytes},
                                     {"with_size_bytes", before.size_bytes}});
  }
  return structure;
}

Json Decoding(const FrameIndex& index, const FrameDamage& damage, double seconds,
              const GDALDataset& dataset) {
  Json decoding = {
      {"blocks", damage.decoded_blocks},
      {"uncompressed_bytes", index.summary().uncompressed_bytes},
      {"seconds", seconds},
      {"damaged_chunks", damage.chunks},
      {"damaged_places", damage.places},
      {"damage", Json::array()},
  };
  for (const ChunkDamage& found : damage.listed) {
    decoding["damage"].push_back(DamageReport(found, index.layout(), dataset));
  }
  return decoding;
}

// What is compared with checksums, and what is not.
Json Protection(const FrameIndex& index, const FrameExtents& extents, const FrameDamage& damage) {
  int64_t blocks = 0;
  for (const auto& [codec, count] : damage.decoded_blocks) blocks += count;
  const char* const none = "no checksum";
  const bool has = index.fingerprint().has_value();
  return {
      {"chunks", ChecksumsText(extents)},
      {"checked_blocks", damage.checked_blocks},
      {"unchecked_blocks", blocks - damage.checked_blocks},
      {"header_and_index", !has                     ? none
                           : index.is_frame_right() ? "right"
                                                    : "wrong"},
      {"shape", !has                     ? none
                : index.is_shape_right() ? "right"
                                         : "changed since (by a resize), or damaged"},
      {"attributes", has ? "compared" : none},
  };
}

// What decoding cannot find out, given the checksums and codecs in the file.
Json Unseen(const FrameIndex& index, const FrameExtents& extents, const FrameDamage& damage) {
  Json unseen = Json::array();
  if (!index.fingerprint()) {
    unseen.push_back(
        "header, index and attributes have no checksums: changes to them that make sense are only "
        "found with --against");
  } else if (!index.is_shape_right()) {
    unseen.push_back("the shape is not the one that was written: resized since, or damaged");
  }
  int64_t blocks = 0;
  for (const auto& [codec, count] : damage.decoded_blocks) blocks += count;
  if (blocks == damage.checked_blocks) {
    if (extents.dead_bytes + extents.trailing_bytes > 0) {
      unseen.push_back("bytes that nothing uses, and those after the frame, have no checksums");
    }
    return unseen;
  }
  unseen.push_back(
      std::to_string(blocks - damage.checked_blocks) + " of " + std::to_string(blocks) +
      " blocks have no checksums of ours: a changed byte in them that still decodes, to "
      "other values, is only found with --against");
  for (const auto& [codec, count] : damage.decoded_blocks) {
    if (codec == "stored") {
      unseen.push_back(std::to_string(count) +
                       " blocks are not compressed: any change to them decodes");
    } else if (codec == "ZLIB") {
      unseen.push_back(
          "ZLIB streams have a checksum (Adler-32), which was right; what is stored between them "
          "has none");
    } else {
      unseen.push_back(codec + " streams need not have a checksum: many changes to them decode");
    }
  }
  return unseen;
}

}  // namespace

bool VerifyFrame(std::shared_ptr<ByteFile> opened, GDALDataset& dataset, const ProgressFn& progress,
                 Json& report) {
  const auto [file, index] = Value(OpenFrame(std::move(opened), Verification::kChunks));
  const B2ndLayout& layout = index->layout();
  report["shape"] = ShapeJson(layout.shape);
  report["dtype"] = layout.element.text;
  report["chunks"] = ShapeJson(layout.chunk_shape);
  report["blocks"] = ShapeJson(layout.block_shape);
  const FrameExtents extents = Value(FindExtents(*index, *file));
  report["structure"] = Structure(*index, extents);

  const auto start = std::chrono::steady_clock::now();
  const FrameDamage damage =
      Value(DecodeFrame(*index, *file, DefaultThreads(), kMaxListedDamage, progress));
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  report["decoding"] = Decoding(*index, damage, seconds.count(), dataset);

  const std::vector<Status> bad_attributes = Value(DecodeAttributes(*index, *file, kMaskAttribute));
  Json attributes = Json::array();
  for (const Status& status : bad_attributes) attributes.push_back(status.message());
  report["damaged_attributes"] = attributes;
  report["checksums"] = Protection(*index, extents, damage);
  report["unseen"] = Unseen(*index, extents, damage);
  const bool is_frame_right = !index->fingerprint() || index->is_frame_right();
  return extents.overlaps.empty() && damage.places == 0 && bad_attributes.empty() && is_frame_right;
}

}  // namespace ndarray::tools
