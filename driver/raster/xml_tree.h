// A tree of GDAL's XML parser, owned.
#ifndef GDAL_NDARRAY_RASTER_XML_TREE_H_
#define GDAL_NDARRAY_RASTER_XML_TREE_H_

#include <cpl_minixml.h>

#include <memory>

namespace ndarray {

struct DestroyXml {
  void operator()(CPLXMLNode* node) const { CPLDestroyXMLNode(node); }
};
using XmlTree = std::unique_ptr<CPLXMLNode, DestroyXml>;

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_XML_TREE_H_
