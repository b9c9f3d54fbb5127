// Arrays of bytes that another .b2nd file holds in an attribute. Its value is a msgpack binary: a
// whole frame of its own, which python-blosc2 opens with
// blosc2.ndarray_from_cframe(array.schunk.vlmeta[name]).
#ifndef GDAL_NDARRAY_STORE_B2ND_NESTED_ARRAY_H_
#define GDAL_NDARRAY_STORE_B2ND_NESTED_ARRAY_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "driver/store/array.h"
#include "driver/store/blosc2/b2nd_layout.h"
#include "driver/store/blosc2/blosc_codec.h"
#include "driver/store/status.h"

namespace ndarray {

// The longest frame that is written into an attribute: files are opened with their attributes in
// memory.
constexpr size_t kMaxNestedBytes = size_t{32} << 20;

// Layout and compression of a new one: images of few values, mostly in large areas.
// kInvalidArgument for what MakeB2ndLayout refuses.
Result<B2ndLayout> PlanNested(const AxisVector& shape);
Compression NestedCompression();

// A frame as the value of an attribute, and back. kCorrupt for values that are not one binary.
std::string PackNested(std::string frame);
Result<std::string> UnpackNested(std::string packed);

// The name that errors use for the array in an attribute of the file at `path`.
std::string NestedPath(const std::string& path, std::string_view attribute);

// Opens the array in an attribute of `outer`. kNotFound if there is none; other errors are those of
// opening a file. If the attributes of `outer` can be edited, the array can be written: its Flush
// sets the attribute anew, and fails if that would be too long. It must not outlive `outer`.
Result<std::shared_ptr<Array>> OpenNested(Array& outer, const std::string& attribute,
                                          int max_threads);

// Adds an array of zeros to the attributes of `outer`, in place of what has that name.
// REQUIRES: outer.editable_attributes() != nullptr
Status AddNested(WritableArray& outer, const std::string& attribute, const AxisVector& shape);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_B2ND_NESTED_ARRAY_H_
