// Compressed chunks of another file, taken over as they are: how many processes write one file
// together without locks. Each makes a file of the same shape and cut in which only its own chunks
// are written; one of them takes all of these (the item TAKE_CHUNKS of the driver's domain).

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "driver/raster/dataset/array_dataset.h"
#include "driver/raster/gdal_error.h"
#include "driver/store/box.h"

namespace ndarray {
namespace {

using nlohmann::json;

struct Request {
  std::string path;
  Box box;
};

constexpr const char* kWanted = "{\"path\": \"...\", \"start\": [...], \"stop\": [...]}";

bool ReadCorner(const json& request, const char* name, AxisVector& corner) {
  const auto found = request.find(name);
  if (found == request.end() || !found->is_array() || found->size() > kMaxAxes) return false;
  for (const json& number : *found) {
    if (!number.is_number_integer()) return false;
    corner.push_back(number.get<int64_t>());
  }
  return true;
}

// kInvalidArgument where it is none, or not of a window of that array.
Result<Request> ParseRequest(const char* text, const AxisVector& shape) {
  const json value = json::parse(text != nullptr ? text : "", nullptr, false);
  Request request;
  if (!value.is_object() || !value.contains("path") || !value["path"].is_string() ||
      !ReadCorner(value, "start", request.box.start) ||
      !ReadCorner(value, "stop", request.box.stop)) {
    return Mismatch(StatusCode::kInvalidArgument, kTakeChunksItem, text != nullptr ? text : "null",
                    kWanted);
  }
  request.path = value["path"].get<std::string>();
  bool inside = request.box.start.size() == shape.size() && request.box.stop.size() == shape.size();
  for (int axis = 0; inside && axis < shape.size(); ++axis) {
    inside = request.box.start[axis] >= 0 && request.box.start[axis] < request.box.stop[axis] &&
             request.box.stop[axis] <= shape[axis];
  }
  if (!inside) {
    return Mismatch(StatusCode::kInvalidArgument, kTakeChunksItem, text,
                    "a window of shape " + ShapeString(shape));
  }
  return request;
}

}  // namespace

CPLErr ArrayDataset::TakeChunks(const char* text) {
  const auto lock = LockForUpdate();
  const std::string& path = io_.array().path();
  Result<Request> request = ParseRequest(text, io_.array().info().shape);
  if (!request.ok()) return Report(request.status().At(path));
  if (io_.writable() == nullptr) {
    return Report(Mismatch(StatusCode::kNotSupported, "access", "read-only", "update").At(path));
  }
  const char* const drivers[] = {io_.array().info().format.c_str(), nullptr};
  const GDALDatasetUniquePtr other(GDALDataset::Open(
      request->path.c_str(), GDAL_OF_RASTER | GDAL_OF_VERBOSE_ERROR, drivers, nullptr, nullptr));
  const auto* const from = dynamic_cast<const ArrayDataset*>(other.get());
  if (from == nullptr) return CE_Failure;
  // Blocks written through GDAL's cache come first, and none may be stale afterwards.
  for (int band = 0; band < nBands; ++band) {
    if (papoBands[band]->FlushCache(false) != CE_None) return CE_Failure;
  }
  return Report(io_.writable()->TakeChunks(from->io().array(), request->box));
}

CPLErr ArrayDataset::SetMetadataItem(const char* name, const char* value, const char* domain) {
  const bool details = domain != nullptr && EQUAL(domain, io_.array().info().format.c_str());
  if (details && HasDetails() && EQUAL(name, kTakeChunksItem)) {
    return Guarded(CE_Failure, [&] { return TakeChunks(value); });
  }
  return GDALPamDataset::SetMetadataItem(name, value, domain);
}

}  // namespace ndarray
