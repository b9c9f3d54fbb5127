#include <utility>

#include "tests/support/malformed/malformed_file.h"
#include "tests/support/npy_files.h"
#include "tests/support/zip_bytes.h"

namespace ndarray::testing {
namespace {

std::string Array() { return NpyBytes(1, HeaderText("'<u2'", "(5, 6)"), std::string(60, 'd')); }

const ZipBytes& Good() {
  static const auto* const zip = new ZipBytes({{"a.npy", Array()}, {"b.npy", Array()}});
  return *zip;
}

MalformedFile File(const std::string& name, std::string bytes, const std::string& message) {
  return {"zip_" + name, std::move(bytes), Finder::kOpening, message};
}

// A number of the directory's first entry, of the record at its end, of the first local header.
MalformedFile Entry(const std::string& name, size_t at, const std::string& with,
                    const std::string& message) {
  return File("entry_" + name, Put(Good().bytes, Good().entries[0] + at, with), message);
}
MalformedFile End(const std::string& name, size_t at, const std::string& with,
                  const std::string& message) {
  return File("end_" + name, Put(Good().bytes, Good().end + at, with), message);
}
MalformedFile Local(const std::string& name, size_t at, const std::string& with,
                    const std::string& message) {
  return File("local_" + name, Put(Good().bytes, Good().locals[0] + at, with), message);
}

// The record of the first member is two bytes too long for where the second one starts.
std::string ArrayText() { return std::to_string(Array().size()); }

std::vector<MalformedFile> Ends() {
  const std::string& good = Good().bytes;
  const std::string size = std::to_string(Good().end - Good().entries[0]);
  return {
      File("cut_in_end", good.substr(0, good.size() - 1),
           "end of the directory: found none, wanted one in the last " +
               std::to_string(good.size() - 1) + " bytes"),
      File("cut_before_directory", good.substr(0, Good().entries[0]),
           "end of the directory: found none"),
      File("cut_in_data", good.substr(0, 60), "end of the directory: found none"),
      End("directory_longer", 12, Little(0xfffffff0, 4), "directory: found 4294967280 bytes at "),
      End("directory_shorter", 12, Little(1, 4), "members: found 2, wanted at most 0 in 1 bytes"),
      End("offset_after_file", 16, Little(0x7fffffff, 4),
          "directory: found " + size + " bytes at 2147483647"),
      // So all of it would lie so much later.
      End("offset_earlier", 16, Little(0, 4),
          "member 'b.npy': place: found " + ArrayText() + " bytes after a header at byte " +
              std::to_string(Good().locals[1] + Good().entries[0])),
      End("many_members", 10, Little(0xfffe, 2),
          "members: found 65534, wanted at most 2 in " + size),
      End("fewer_members", 10, Little(1, 2),
          "directory: found 51 bytes after its 1 members, wanted none"),
      End("disk", 4, Little(3, 2), "disks: found 4, wanted one file for all"),
  };
}

std::vector<MalformedFile> Ends64() {
  const std::string good = AsZip64(Good());
  const size_t record = Good().end;
  const size_t locator = record + 56;
  const auto put = [&](const std::string& name, size_t at, const std::string& with,
                       const std::string& message) {
    return File("end64_" + name, Put(good, at, with), message);
  };
  return {
      put("offset_max", locator + 8, Little(UINT64_MAX, 8),
          "offset of the ZIP64 record: found 18446744073709551615, wanted one before byte " +
              std::to_string(locator)),
      File("end64_elsewhere", Put(Put(good, locator + 8, Little(0, 8)), record, "PKxx"),
           "ZIP64 record: found PK\\x03\\x04, wanted PK\\x06\\x06"),
      put("members_max", record + 32, Little(UINT64_MAX, 8),
          "members: found 18446744073709551615, wanted at most 2"),
      put("directory_max", record + 40, Little(UINT64_MAX, 8),
          "directory: found 18446744073709551615 bytes at "),
      put("directory_at_max", record + 48, Little(UINT64_MAX, 8), "directory: found "),
      put("disk", record + 16, Little(1, 4), "disks: found 2, wanted one file for all"),
  };
}

std::vector<MalformedFile> Entries() {
  return {
      Entry("magic", 0, "PK\x01\x03",
            "entry 0: directory: found PK\\x01\\x03, wanted PK\\x01\\x02"),
      Entry("name_longer", 28, Little(0xffff, 2),
            "entry 0: length: found 65581 bytes, wanted at most 102"),
      Entry("name_nul", 46, std::string("a\0", 2), "member: name: found "),
      Entry(
          "name_of_another", 46, "b",
          "member 'b.npy': name in the local header: found 'a.npy', wanted that of the directory"),
      Entry(
          "size", 24, Little(7, 4),
          "member 'a.npy': size: found 7 bytes, wanted " + ArrayText() + ", as many as are stored"),
      Entry("size_64_missing", 24, Little(0xffffffff, 4),
            "member 'a.npy': ZIP64 field: found none, wanted one for the sizes and the offset"),
      Entry("disk", 34, Little(2, 2), "member 'a.npy': disk: found 2, wanted one file for all"),
      Entry("overlap", 20, Little(Array().size() + 2, 4) + Little(Array().size() + 2, 4),
            "member 'a.npy': place: found " + std::to_string(Array().size() + 2) +
                " bytes after a header at byte 0, wanted ones that end before byte " +
                std::to_string(Good().locals[1])),
      Entry("same_place", 42, Little(Good().locals[1], 4), "member '"),
      Entry("place_max", 42, Little(0xfffffff0, 4),
            "member 'a.npy': place: found " + ArrayText() +
                " bytes after a header at byte 4294967280"),
      Entry("bomb", 10, Little(8, 2) + Little(0, 8) + Little(100, 4) + Little(0xfffffff0, 4),
            "member 'a.npy': size: found 4294967280 bytes, wanted what 100 deflated ones can hold"),
  };
}

std::vector<MalformedFile> Locals() {
  return {
      Local("magic", 0, "PKxx", "member 'a.npy': local header: found PKxx, wanted PK\\x03\\x04"),
      Local(
          "name", 30, "c",
          "member 'a.npy': name in the local header: found 'c.npy', wanted that of the directory"),
      Local("name_length", 26, Little(4, 2), "member 'a.npy': name in the local header: found"),
      Local("method", 8, Little(8, 2),
            "member 'a.npy': method in the local header: found 8, wanted 0"),
      Local("extra", 28, Little(0xffff, 2),
            "member 'a.npy': place: found " + ArrayText() + " bytes at 65570"),
  };
}

}  // namespace

std::vector<MalformedFile> MalformedZipFiles() {
  std::vector<MalformedFile> all;
  for (const auto& files : {Ends(), Ends64(), Entries(), Locals()}) {
    all.insert(all.end(), files.begin(), files.end());
  }
  return all;
}

}  // namespace ndarray::testing
