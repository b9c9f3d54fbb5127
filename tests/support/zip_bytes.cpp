#include "tests/support/zip_bytes.h"

namespace ndarray::testing {

std::string Little(uint64_t number, size_t bytes) {
  std::string text;
  for (size_t i = 0; i < bytes; ++i) text += static_cast<char>(number >> (8 * i) & 0xff);
  return text;
}

ZipBytes::ZipBytes(const std::vector<ZipEntry>& all, const std::string& comment) {
  const auto sizes = [](const ZipEntry& entry) {
    return Little(0x12345678, 4) + Little(entry.bytes.size(), 4) +
           Little(entry.size_bytes.value_or(static_cast<uint32_t>(entry.bytes.size())), 4) +
           Little(entry.name.size(), 2);
  };
  for (const ZipEntry& entry : all) {
    locals.push_back(bytes.size());
    bytes += "PK\x03\x04" + Little(20, 2) + Little(entry.flags, 2) + Little(entry.method, 2) +
             Little(0, 4) + sizes(entry) + Little(entry.local_extra.size(), 2) + entry.name +
             entry.local_extra + entry.bytes;
  }
  const size_t directory = bytes.size();
  for (size_t i = 0; i < all.size(); ++i) {
    const ZipEntry& entry = all[i];
    entries.push_back(bytes.size());
    bytes += "PK\x01\x02" + Little(20, 2) + Little(20, 2) + Little(entry.flags, 2) +
             Little(entry.method, 2) + Little(0, 4) + sizes(entry) + Little(entry.extra.size(), 2) +
             Little(0, 2) + Little(0, 2) + Little(0, 2) + Little(0, 4) + Little(locals[i], 4) +
             entry.name + entry.extra;
  }
  end = bytes.size();
  bytes += "PK\x05\x06" + Little(0, 4) + Little(all.size(), 2) + Little(all.size(), 2) +
           Little(end - directory, 4) + Little(directory, 4) + Little(comment.size(), 2) + comment;
}

std::string AsZip64(const ZipBytes& zip) {
  const size_t directory = zip.entries.front();
  const std::string record = "PK\x06\x06" + Little(44, 8) + Little(45, 2) + Little(45, 2) +
                             Little(0, 4) + Little(0, 4) + Little(zip.entries.size(), 8) +
                             Little(zip.entries.size(), 8) + Little(zip.end - directory, 8) +
                             Little(directory, 8);
  const std::string locator = "PK\x06\x07" + Little(0, 4) + Little(zip.end, 8) + Little(1, 4);
  const std::string end = "PK\x05\x06" + Little(0, 4) + Little(0xffff, 2) + Little(0xffff, 2) +
                          Little(0xffffffff, 4) + Little(0xffffffff, 4) + Little(0, 2);
  return zip.bytes.substr(0, zip.end) + record + locator + end;
}

}  // namespace ndarray::testing
