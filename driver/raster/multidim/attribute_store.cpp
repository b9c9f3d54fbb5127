#include "driver/raster/multidim/attribute_store.h"

#include <cpl_conv.h>
#include <cpl_error.h>
#include <cpl_minixml.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "driver/raster/metadata/sidecar.h"
#include "driver/raster/metadata/stored_metadata.h"
#include "driver/raster/reserved_names.h"
#include "driver/raster/xml_tree.h"
#include "driver/store/json_text.h"
#include "driver/store/msgpack.h"

namespace ndarray {
namespace {

using nlohmann::json;

constexpr size_t kMaxNameBytes = 31;  // c-blosc2 reads no longer names of attributes

bool IsPlain(const std::string& name, const json& value) {
  return value.is_string() && ItemName(name) == name;
}

// Sets or removes it in a PAM document: a text as an item, all else in the list of ATTRIBUTES. With
// `adds`, even if the document said nothing of it. Whether anything has changed.
bool EditPam(CPLXMLNode& root, const std::string& name, const json* value, bool adds) {
  const char* const list = PamMetadataItem(&root, "ATTRIBUTES", kMetadataDomain);
  json typed = list != nullptr ? ParseJsonText(list) : json::object();
  if (!typed.is_object()) typed = json::object();
  const std::string item = ItemName(name);
  const bool was_item = PamMetadataItem(&root, item.c_str(), "") != nullptr;
  const bool was_typed = typed.erase(name) > 0;
  if (!was_item && !was_typed && !adds) return false;
  const bool is_item = value != nullptr && IsPlain(name, *value);
  SetPamMetadataItem(root, item.c_str(), "", is_item ? TextOf(*value).c_str() : nullptr);
  if (value != nullptr && !is_item) typed[name] = *value;
  if (!typed.empty() || was_typed) {
    SetPamMetadataItem(root, "ATTRIBUTES", kMetadataDomain,
                       typed.empty() ? nullptr : JsonText(typed).c_str());
  }
  return true;
}

// The attribute gdal, with its document edited; unchanged where `edit` has changed nothing. With
// `adds` it is an error if it cannot be read.
template <typename Edit>
Status EditOwnPam(EditableAttributes& attributes, const std::string& path, bool adds,
                  const Edit& edit) {
  const auto unreadable = [&](const std::string& reason) {
    return adds ? Mismatch(StatusCode::kCorrupt, "attribute gdal", reason, "GDAL's metadata")
                      .At(path)
                : Status();
  };
  const Result<std::string> packed = attributes.Read("gdal", int64_t{kMaxPamBytes});
  json gdal = json::object();
  if (packed.ok()) {
    int64_t max_values = kMaxMsgpackValues;
    Result<json> read = ParseMsgpack(*packed, max_values);
    if (!read.ok() || !read->is_object()) return unreadable("no dictionary");
    gdal = std::move(*read);
  } else if (packed.status().code() != StatusCode::kNotFound) {
    return unreadable(packed.status().message());
  }
  const bool has_pam = gdal.contains("pam") && gdal["pam"].is_string();
  const std::string text = has_pam ? gdal["pam"].get<std::string>() : "<PAMDataset/>";
  const CPLErrorStateBackuper errors_so_far;
  CPLPushErrorHandler(CPLQuietErrorHandler);
  const XmlTree tree(CPLParseXMLString(text.empty() ? "<PAMDataset/>" : text.c_str()));
  CPLPopErrorHandler();
  CPLXMLNode* const root = tree != nullptr ? CPLGetXMLNode(tree.get(), "=PAMDataset") : nullptr;
  if (root == nullptr) return unreadable("no PAM document");
  if (!edit(*root)) return {};
  char* const edited = CPLSerializeXMLTree(tree.get());
  gdal["pam"] = edited != nullptr ? edited : "";
  CPLFree(edited);
  std::string value = Packed(gdal);
  if (value.size() > kMaxPamBytes) {
    return Mismatch(StatusCode::kNotSupported, "attributes",
                    std::to_string(value.size()) + " bytes of texts",
                    "at most " + std::to_string(kMaxPamBytes))
        .At(path);
  }
  return attributes.Set("gdal", value);
}

bool HasRoom(const EditableAttributes& attributes, const std::string& name) {
  const std::vector<AttributeInfo> list = attributes.List();
  return list.size() < attributes.max_count() ||
         std::any_of(list.begin(), list.end(),
                     [&](const AttributeInfo& info) { return info.name == name; });
}

// What a sidecar says by that name stands in the way of what the file says: it goes once that is
// stored, and not where it is refused.
Status StoreInFile(const std::string& name, const json* value, EditableAttributes& attributes,
                   const std::string& path) {
  const auto forget = [&](CPLXMLNode& root) {
    return EditPam(root, name, nullptr, /*adds=*/false);
  };
  const bool fits = name.size() <= kMaxNameBytes && HasRoom(attributes, name);
  if (value == nullptr || fits) {
    Status status;
    if (value != nullptr) {
      status = attributes.Set(name, Packed(*value));
    } else {
      attributes.Remove(name);
    }
    if (status.ok()) status = EditOwnPam(attributes, path, /*adds=*/false, forget);
    return status.ok() ? EditSidecar(path, /*makes=*/false, forget) : status;
  }
  const auto add = [&](CPLXMLNode& root) {
    forget(root);
    SetPamMetadataItem(root, ItemName(name).c_str(), "", TextOf(*value).c_str());
    return true;
  };
  if (!HasRoom(attributes, "gdal")) return EditSidecar(path, /*makes=*/true, add);
  Status status = EditOwnPam(attributes, path, /*adds=*/true, add);
  return status.ok() ? EditSidecar(path, /*makes=*/false, forget) : status;
}

}  // namespace

const std::set<std::string> kOwnKeys = {"dimension_names",
                                        "spatial:dimensions",
                                        "spatial:transform",
                                        "proj:wkt2",
                                        "proj:code",
                                        "proj:projjson",
                                        "gdal",
                                        "zarr_conventions",
                                        "coordinates",
                                        kMaskAttribute};

bool IsAttributeName(const std::string& name) {
  return name.size() <= kMaxNameBytes && kOwnKeys.count(name) == 0;
}

std::string TextOf(const json& value) {
  return value.is_string() ? value.get<std::string>() : JsonText(value);
}

std::string ItemName(const std::string& name) {
  std::string item = name;  // GDAL ends the name of one there
  std::replace_if(
      item.begin(), item.end(), [](char c) { return c == '=' || c == ':'; }, '_');
  return item;
}

std::string Packed(const json& value) {
  const std::vector<uint8_t> bytes = json::to_msgpack(value);
  return {bytes.begin(), bytes.end()};
}

Status StoreAttribute(const std::string& name, const json* value, WritableArray& array) {
  if (kOwnKeys.count(name) > 0) {
    return Mismatch(StatusCode::kInvalidArgument, "attribute", name,
                    "a name that the driver gives no meaning of its own")
        .At(array.path());
  }
  EditableAttributes* const attributes = array.editable_attributes();
  if (attributes != nullptr) return StoreInFile(name, value, *attributes, array.path());
  return EditSidecar(array.path(), /*makes=*/true, [&](CPLXMLNode& root) {
    return EditPam(root, name, value, /*adds=*/value != nullptr);
  });
}

}  // namespace ndarray
