#include "driver/store/checksum/checksum.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace ndarray {
namespace {

// Of the specification of xxHash (XXH3 of nothing, seed 0), and of RFC 8878's XXH64 of nothing.
TEST(Checksum, IsXxh3) {
  EXPECT_EQ(Checksum64(""), 0x2D06800538D394C2u);
  EXPECT_EQ(ZstdChecksum(""), 0x51D8E999u);
}

TEST(Checksum, IsTheSameByAllVectorInstructions) {
  std::mt19937 random(1);
  std::string bytes(5000, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  for (size_t size = 0; size < bytes.size(); size += size < 600 ? 1 : 97) {
    for (const ChecksumKernel& kernel : ChecksumKernels()) {
      EXPECT_EQ(kernel.checksum(bytes.data() + 3, size - size / 4),
                Checksum64({bytes.data() + 3, size - size / 4}))
          << kernel.name << " " << size;
    }
  }
}

TEST(Checksum, SaysWhatIsWrong) {
  EXPECT_TRUE(CheckSum("checksum", 7, 7).ok());
  EXPECT_EQ(CheckSum("checksum", 7, 0x1234).message(), "checksum: found 00000007, wanted 00001234");
}

}  // namespace
}  // namespace ndarray
