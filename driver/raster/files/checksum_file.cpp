#include "driver/raster/files/checksum_file.h"

#include <cpl_conv.h>
#include <cpl_vsi.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstddef>

#include "driver/raster/files/vsi_file.h"
#include "driver/raster/gdal_error.h"

namespace ndarray {
namespace {

constexpr size_t kDigestDigits = 64;
constexpr size_t kMaxFileBytes = size_t{64} << 10;

// A name that has one of these is written with escapes, and its line begins with a backslash.
bool NeedsEscapes(std::string_view name) {
  return name.find_first_of("\\\n\r") != std::string_view::npos;
}

std::string Escaped(std::string_view name) {
  std::string text;
  for (const char c : name) {
    text += c == '\\' ? "\\\\" : c == '\n' ? "\\n" : c == '\r' ? "\\r" : std::string(1, c);
  }
  return text;
}

std::string_view LastPart(std::string_view name) { return name.substr(name.rfind('/') + 1); }

bool IsDigest(std::string_view text) {
  return text.size() == kDigestDigits && std::all_of(text.begin(), text.end(), [](char c) {
           return std::isxdigit(static_cast<unsigned char>(c)) != 0;
         });
}

// Whether PATH.sha256 holds this text now.
bool WriteChecksumFile(const std::string& path, const std::string& text) {
  VSILFILE* const file = VSIFOpenL((path + kChecksumSuffix).c_str(), "wb");
  if (file == nullptr) return false;
  const bool written = VSIFWriteL(text.data(), 1, text.size(), file) == text.size();
  return VSIFCloseL(file) == 0 && written;
}

std::string Reason() { return errno != 0 ? std::string(": ") + VSIStrerror(errno) : std::string(); }

}  // namespace

std::string ChecksumLine(std::string_view digest, const std::string& path) {
  const std::string_view name = LastPart(path);
  return std::string(NeedsEscapes(name) ? "\\" : "") + std::string(digest) + "  " + Escaped(name) +
         "\n";
}

std::string DigestIn(std::string_view text, const std::string& path) {
  const std::string name = Escaped(LastPart(path));
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (line.substr(0, 1) == "\\") line.remove_prefix(1);
    if (line.size() < kDigestDigits + 3 || line[kDigestDigits] != ' ') continue;
    const std::string_view digest = line.substr(0, kDigestDigits);
    // A blank before the name, or the star of files read as binary.
    if (!IsDigest(digest) || LastPart(line.substr(kDigestDigits + 2)) != name) continue;
    std::string found(digest);
    std::transform(found.begin(), found.end(), found.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return found;
  }
  return "";
}

std::string ReadChecksumFile(const std::string& path) {
  VSIStatBufL about;
  const std::string name = path + kChecksumSuffix;
  if (!FindFile(name, about) || VSI_ISDIR(about.st_mode)) return "";
  VSILFILE* const file = VSIFOpenL(name.c_str(), "rb");
  if (file == nullptr) return "";
  std::string text(kMaxFileBytes + 1, '\0');
  text.resize(VSIFReadL(text.data(), 1, text.size(), file));
  VSIFCloseL(file);
  return text.size() <= kMaxFileBytes ? text : "";
}

void RemoveChecksumFile(const std::string& path) {
  VSIStatBufL about;
  const std::string name = path + kChecksumSuffix;
  if (!FindFile(name, about)) return;
  errno = 0;
  if (VSIUnlink(name.c_str()) == 0) return;
  ReportWarning(name + ": cannot delete, and is out of date from now on" + Reason());
}

void RenameInChecksumFile(const std::string& from, const std::string& to) {
  const std::string digest = DigestIn(ReadChecksumFile(to), from);
  if (digest.empty() || LastPart(from) == LastPart(to)) return;
  errno = 0;
  if (WriteChecksumFile(to, ChecksumLine(digest, to))) return;
  ReportWarning(to + kChecksumSuffix + ": cannot write the new name of its file" + Reason());
}

}  // namespace ndarray
