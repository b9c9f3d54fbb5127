#include "tools/gdal_ndarray/convert/ome_xml.h"

#include <cpl_error.h>
#include <cpl_minixml.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>

#include "driver/raster/xml_tree.h"
#include "driver/store/array.h"

namespace ndarray::tools {
namespace {

constexpr size_t kMaxBytes = size_t{16} << 20;  // a tree of it takes tens of times as much
constexpr size_t kStartBytes = 4096;            // where the first element is: comments precede it

Status Other(std::string_view field, std::string_view found, std::string_view wanted) {
  return Mismatch(StatusCode::kNotSupported, field, found, wanted);
}

// The elements of that name in another one.
std::vector<const CPLXMLNode*> Elements(const CPLXMLNode& parent, const char* name) {
  std::vector<const CPLXMLNode*> found;
  for (const CPLXMLNode* node = parent.psChild; node != nullptr; node = node->psNext) {
    if (node->eType == CXT_Element && EQUAL(node->pszValue, name)) found.push_back(node);
  }
  return found;
}

// An attribute that is a number of at least 0, `otherwise` where there is none; -1 for other texts.
int64_t Number(const CPLXMLNode& node, const char* name, int64_t otherwise) {
  const char* const text = CPLGetXMLValue(&node, name, nullptr);
  if (text == nullptr) return otherwise;
  const std::string_view digits(text);
  int32_t number = -1;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return error == std::errc() && end == digits.data() + digits.size() ? std::max(number, -1) : -1;
}

// The axes of planes: how long they are, and the order in which planes are counted.
struct PlaneGrid {
  struct Axis {
    char letter;
    int64_t size;
    int64_t stride = 1;  // of a plane's number in the result
  };
  std::array<Axis, 3> axes;  // the first one fastest, as DimensionOrder has them

  int64_t planes() const { return axes[0].size * axes[1].size * axes[2].size; }

  // The number in the result of the plane with this number in DimensionOrder.
  int64_t PageOf(int64_t number) const {
    int64_t page = 0;
    for (const Axis& axis : axes) {
      page += number % axis.size * axis.stride;
      number /= axis.size;
    }
    return page;
  }
};

std::string NameOf(const char* start, char letter) { return start + std::string(1, letter); }

Result<PlaneGrid> ReadGrid(const CPLXMLNode& pixels, const OmeFile& file) {
  if (Number(pixels, "SizeX", -1) != file.width || Number(pixels, "SizeY", -1) != file.height) {
    return Other(
        "SizeX and SizeY",
        std::string(CPLGetXMLValue(&pixels, "SizeX", "none")) + " and " +
            CPLGetXMLValue(&pixels, "SizeY", "none"),
        "the pages' " + std::to_string(file.width) + " and " + std::to_string(file.height));
  }
  for (const CPLXMLNode* const channel : Elements(pixels, "Channel")) {
    const int64_t samples = Number(*channel, "SamplesPerPixel", file.samples);
    if (samples == file.samples) continue;
    return Other("SamplesPerPixel", CPLGetXMLValue(channel, "SamplesPerPixel", ""),
                 "the pages' " + std::to_string(file.samples));
  }
  const std::string order = CPLGetXMLValue(&pixels, "DimensionOrder", "none");
  PlaneGrid grid{};
  bool known = order.size() == 5 && order.substr(0, 2) == "XY";
  for (const char letter : {'Z', 'C', 'T'}) known &= order.find(letter) != std::string::npos;
  if (!known) return Other("DimensionOrder", order, "XYCZT or the like");
  AxisVector sizes;
  for (size_t i = 0; i < grid.axes.size(); ++i) {
    const char letter = order[i + 2];
    const std::string name = NameOf("Size", letter);
    int64_t size = Number(pixels, name.c_str(), -1);
    if (letter == 'C' && size % file.samples == 0) size /= file.samples;  // its samples
    if (size < 1) {
      return Other(name, CPLGetXMLValue(&pixels, name.c_str(), "none"), "a number above 0");
    }
    grid.axes[i] = {letter, size};
    sizes.push_back(size);
  }
  if (CheckedProduct(sizes) != file.pages) {
    return Other("SizeZ, SizeC and SizeT", ShapeString(sizes) + " in the order of " + order,
                 "as many planes as there are pages, " + std::to_string(file.pages));
  }
  int64_t stride = 1;
  for (const char letter : {'C', 'Z', 'T'}) {
    for (PlaneGrid::Axis& axis : grid.axes) {
      if (axis.letter != letter) continue;
      axis.stride = stride;
      stride *= axis.size;
    }
  }
  return grid;
}

// Whether the element's pages are in another file. A renamed file still has its own UUID.
bool IsElsewhere(const CPLXMLNode& tiff_data, const std::string& own_uuid, const OmeFile& file) {
  const CPLXMLNode* const uuid = CPLGetXMLNode(&tiff_data, "UUID");
  if (uuid == nullptr) return false;
  const std::string text = CPLGetXMLValue(uuid, "", "");
  if (!own_uuid.empty() && text == own_uuid) return false;
  return file.name != CPLGetXMLValue(uuid, "FileName", "");
}

// Puts the directories of one TiffData where they belong.
Status AddDirectories(const CPLXMLNode& tiff_data, const PlaneGrid& grid,
                      std::vector<int64_t>& directories) {
  const bool says_directory = CPLGetXMLValue(&tiff_data, "IFD", nullptr) != nullptr;
  const int64_t directory = Number(tiff_data, "IFD", 0);
  int64_t count = Number(tiff_data, "PlaneCount", says_directory ? 1 : grid.planes());
  int64_t first = 0;
  int64_t stride = 1;
  bool inside = directory >= 0 && count >= 0;
  for (const PlaneGrid::Axis& axis : grid.axes) {
    const int64_t start = Number(tiff_data, NameOf("First", axis.letter).c_str(), 0);
    inside = inside && start >= 0 && start < axis.size;
    first += start * stride;
    stride *= axis.size;
  }
  if (!inside || count > grid.planes() - first) {
    return Other("TiffData", "planes beyond the image's", "its planes");
  }
  for (int64_t i = 0; i < count; ++i) {
    int64_t& of_page = directories[static_cast<size_t>(grid.PageOf(first + i))];
    if (of_page >= 0) return Other("TiffData", "a plane twice", "each once");
    of_page = directory + i;
  }
  return {};
}

Status CheckEachOnce(const std::vector<int64_t>& directories) {
  std::vector<int64_t> sorted = directories;
  std::sort(sorted.begin(), sorted.end());
  if (sorted.front() < 0) return Other("TiffData", "planes without a page", "all planes");
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) {
    return Other("TiffData", "a page for two planes", "each page once");
  }
  return {};
}

}  // namespace

bool IsOmeXml(std::string_view description) {
  const size_t start = description.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
  if (start == std::string_view::npos || description[start] != '<') return false;
  const std::string_view head = description.substr(start, kStartBytes);
  return head.find("<OME") != std::string_view::npos || head.find(":OME") != std::string_view::npos;
}

Result<OmePlanes> ParseOme(const std::string& xml, const OmeFile& file) {
  if (xml.size() > kMaxBytes) {
    return Other("size", std::to_string(xml.size()) + " bytes",
                 "at most " + std::to_string(kMaxBytes));
  }
  CPLPushErrorHandler(CPLQuietErrorHandler);
  const XmlTree tree(CPLParseXMLString(xml.c_str()));
  CPLPopErrorHandler();
  if (tree == nullptr) {
    return Mismatch(StatusCode::kCorrupt, "text", "what is no XML", "one element OME");
  }
  CPLStripXMLNamespace(tree.get(), nullptr, TRUE);
  const CPLXMLNode* const root = CPLGetXMLNode(tree.get(), "=OME");
  if (root == nullptr) return Other("first element", "another one", "OME");
  const std::vector<const CPLXMLNode*> images = Elements(*root, "Image");
  if (images.size() != 1) return Other("Image", std::to_string(images.size()), "one");
  const std::vector<const CPLXMLNode*> pixels = Elements(*images[0], "Pixels");
  if (pixels.size() != 1) return Other("Pixels", std::to_string(pixels.size()), "one");
  const std::vector<const CPLXMLNode*> parts = Elements(*pixels[0], "TiffData");
  if (parts.empty()) return Other("TiffData", "none", "where the planes are");
  const std::string own_uuid = CPLGetXMLValue(root, "UUID", "");
  for (const CPLXMLNode* const part : parts) {
    if (!IsElsewhere(*part, own_uuid, file)) continue;
    return Other("TiffData", std::string("file ") + CPLGetXMLValue(part, "UUID.FileName", "?"),
                 "planes of this file alone");
  }
  const Result<PlaneGrid> grid = ReadGrid(*pixels[0], file);
  if (!grid.ok()) return grid.status();
  OmePlanes planes;
  planes.directories.assign(static_cast<size_t>(grid->planes()), -1);
  for (const CPLXMLNode* const part : parts) {
    Status status = AddDirectories(*part, *grid, planes.directories);
    if (!status.ok()) return status;
  }
  Status status = CheckEachOnce(planes.directories);
  if (!status.ok()) return status;
  for (const PlaneGrid::Axis& axis : grid->axes) {
    int64_t& size = axis.letter == 'T'   ? planes.frames
                    : axis.letter == 'Z' ? planes.slices
                                         : planes.channels;
    size = axis.size;
  }
  return planes;
}

}  // namespace ndarray::tools
