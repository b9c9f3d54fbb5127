// .npy bytes made by hand, independent of the writer under test.
#ifndef GDAL_NDARRAY_TESTS_SUPPORT_NPY_FILES_H_
#define GDAL_NDARRAY_TESTS_SUPPORT_NPY_FILES_H_

#include <string>
#include <string_view>

namespace ndarray::testing {

// Magic, version, length and the text, unpadded. The length field may lie: length < 0 means right.
std::string NpyBytes(int major_version, std::string_view header_text, std::string_view data = "",
                     long long length = -1);

// "{'descr': DESCR, 'fortran_order': ORDER, 'shape': SHAPE, }" with descr given as written, with
// its quotes or brackets.
std::string HeaderText(std::string_view descr, std::string_view shape,
                       std::string_view fortran_order = "False");

}  // namespace ndarray::testing

#endif  // GDAL_NDARRAY_TESTS_SUPPORT_NPY_FILES_H_
