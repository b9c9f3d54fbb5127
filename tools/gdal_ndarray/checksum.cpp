#include "tools/gdal_ndarray/checksum.h"

#include <openssl/evp.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "driver/raster/files/checksum_file.h"
#include "driver/raster/files/vsi_file.h"
#include "tools/gdal_ndarray/command.h"

namespace ndarray::tools {
namespace {

constexpr uint64_t kPieceBytes = uint64_t{4} << 20;

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

void Require(int result) {
  if (result != 1) throw Failure("OpenSSL cannot compute SHA-256");
}

}  // namespace

std::string Sha256Of(const ByteFile& file, const ProgressFn& progress) {
  const std::unique_ptr<EVP_MD_CTX, FreeContext> context(EVP_MD_CTX_new());
  Require(EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr));
  const uint64_t size_bytes = file.size_bytes();
  std::vector<std::byte> piece(static_cast<size_t>(std::min(kPieceBytes, size_bytes)));
  for (uint64_t at = 0; at < size_bytes; at += piece.size()) {
    Check(ReportProgress(progress, static_cast<double>(at) / static_cast<double>(size_bytes)));
    piece.resize(static_cast<size_t>(std::min(kPieceBytes, size_bytes - at)));
    Check(file.Read({{at, piece.size(), piece.data()}}));
    Require(EVP_DigestUpdate(context.get(), piece.data(), piece.size()));
  }
  Check(ReportProgress(progress, 1));
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int digest_bytes = 0;
  Require(EVP_DigestFinal_ex(context.get(), digest, &digest_bytes));
  std::string text;
  for (unsigned int i = 0; i < digest_bytes; ++i) {
    text += "0123456789abcdef"[digest[i] >> 4];
    text += "0123456789abcdef"[digest[i] & 15];
  }
  return text;
}

void WriteChecksumFile(const std::string& path, const ProgressFn& progress) {
  const std::shared_ptr<ByteFile> file = Value(OpenByteFile(path, MapPolicy{0, {}}));
  const std::string line = ChecksumLine(Sha256Of(*file, progress), path);
  const std::unique_ptr<OutputFile> output = Value(CreateOutputFile(path + kChecksumSuffix));
  Check(output->WriteAt(0, line.data(), line.size()));
  Check(output->Commit());
}

}  // namespace ndarray::tools
