#include "tests/support/npy_files.h"

namespace ndarray::testing {

std::string NpyBytes(int major_version, std::string_view header_text, std::string_view data,
                     long long length) {
  std::string bytes = "\x93NUMPY";
  bytes += static_cast<char>(major_version);
  bytes += '\0';
  auto value = static_cast<unsigned long long>(
      length < 0 ? static_cast<long long>(header_text.size()) : length);
  for (int i = 0; i < (major_version == 1 ? 2 : 4); ++i) {
    bytes += static_cast<char>(value & 0xFF);
    value >>= 8;
  }
  return bytes.append(header_text).append(data);
}

std::string HeaderText(std::string_view descr, std::string_view shape,
                       std::string_view fortran_order) {
  std::string text = "{'descr': ";
  text.append(descr).append(", 'fortran_order': ").append(fortran_order);
  return text.append(", 'shape': ").append(shape).append(", }\n");
}

}  // namespace ndarray::testing
