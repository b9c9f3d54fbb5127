#include "driver/store/text.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <system_error>

namespace ndarray {

bool IsUtf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i++]);
    const size_t trailing = lead < 0x80 ? 0 : lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
    if ((lead >= 0x80 && lead < 0xC2) || lead > 0xF4 || text.size() - i < trailing) return false;
    uint32_t code_point = trailing == 0 ? lead : lead & (0x3Fu >> trailing);
    for (size_t k = 0; k < trailing; ++k, ++i) {
      if ((text[i] & 0xC0) != 0x80) return false;
      code_point = code_point << 6 | (static_cast<unsigned char>(text[i]) & 0x3Fu);
    }
    const bool overlong = code_point < (trailing == 2 ? 0x800u : trailing == 3 ? 0x10000u : 0u);
    const bool surrogate = code_point >= 0xD800 && code_point < 0xE000;
    if (overlong || surrogate || code_point > 0x10FFFF) return false;
  }
  return true;
}

std::string Printable(std::string_view text) {
  const bool utf8 = IsUtf8(text);
  std::string printable(text);
  for (char& c : printable) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F || (byte >= 0x80 && !utf8)) c = '?';
  }
  return printable;
}

std::string Excerpt(std::string_view text) {
  constexpr size_t kMaxBytes = 60;
  if (text.size() <= kMaxBytes) return Printable(text);
  size_t size = kMaxBytes;
  while (size > 0 && (text[size] & 0xC0) == 0x80) --size;
  return Printable(text.substr(0, size)) + "...";
}

std::string Utf8OfBytes(std::string_view bytes) {
  if (IsUtf8(bytes)) return std::string(bytes);
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      text += c;
    } else {
      text += static_cast<char>(0xc0 | byte >> 6);
      text += static_cast<char>(0x80 | (byte & 0x3f));
    }
  }
  return text;
}

std::string ListForPeople(const std::vector<std::string>& names) {
  constexpr size_t kMaxNames = 8;
  if (names.empty()) return "none";
  std::string text;
  const size_t count = std::min(names.size(), kMaxNames);
  for (size_t i = 0; i < count; ++i) {
    const bool last = i + 1 == names.size();
    text += (i == 0 ? "'" : last ? " or '" : ", '") + Excerpt(names[i]) + "'";
  }
  if (count < names.size()) {
    text += " or one of " + std::to_string(names.size() - count) + " more";
  }
  return text;
}

std::string EscapedBytes(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7F && c != '\\') {
      text += c;
    } else {
      text += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return text;
}

std::string NumberText(double value, int digits) {
  char text[64];
  const auto [end, error] =
      std::to_chars(text, text + sizeof(text), value, std::chars_format::general, digits);
  return error == std::errc() ? std::string(text, end) : "";
}

}  // namespace ndarray
