#include "driver/raster/chunk_request.h"

#include <nlohmann/json.hpp>

#include "driver/raster/reserved_names.h"

namespace ndarray {
namespace {

using nlohmann::json;

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

}  // namespace

Result<ChunkRequest> ParseChunkRequest(const char* text, const AxisVector& shape) {
  const json value = json::parse(text != nullptr ? text : "", nullptr, false);
  ChunkRequest request;
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

}  // namespace ndarray
