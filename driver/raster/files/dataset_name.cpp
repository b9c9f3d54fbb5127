#include "driver/raster/files/dataset_name.h"

#include <cpl_string.h>

#include <algorithm>

#include "driver/raster/axes.h"
#include "driver/store/dtype/python_literal.h"
#include "driver/store/text.h"

namespace ndarray {

bool HasDriverPrefix(const char* name, std::string_view driver) {
  return EQUALN(name, driver.data(), driver.size()) && name[driver.size()] == ':';
}

namespace {

std::string ReplaceAll(std::string_view text, std::string_view from, std::string_view to) {
  std::string out;
  while (true) {
    const size_t at = text.find(from);
    out += text.substr(0, at);
    if (at == std::string_view::npos) return out;
    out += to;
    text.remove_prefix(at + from.size());
  }
}

// Where an index begins, with its colon, after a path without quotation marks; npos: nowhere.
size_t IndexAt(std::string_view rest) {
  const size_t bracket = rest.rfind(":[");
  if (bracket != std::string_view::npos) return bracket;
  const size_t colon = rest.rfind(':');
  if (colon == std::string_view::npos || colon + 1 == rest.size()) return std::string_view::npos;
  const bool is_index = rest.find_first_not_of("0123456789, ", colon + 1) == std::string_view::npos;
  return is_index ? colon : std::string_view::npos;
}

// Of a literal of Python at the start of the text, with its quotation marks; 0: it does not end.
size_t LiteralBytes(std::string_view text) {
  for (size_t at = 1; at < text.size(); ++at) {
    if (text[at] == '\\') {
      ++at;
    } else if (text[at] == text[0]) {
      return at + 1;
    }
  }
  return 0;
}

// Takes an index off the end of a part: ":0,2", "[0,2]" or ":[0,2]".
void SplitIndex(std::string_view& part, AxisVector& index) {
  size_t at = part.rfind(':');
  if (!part.empty() && part.back() == ']') {
    const size_t bracket = part.rfind('[');
    if (bracket != std::string_view::npos && (at == std::string_view::npos || at < bracket)) {
      at = bracket;
    }
  }
  if (at == std::string_view::npos || at == 0) return;
  Result<AxisVector> parsed = ParseIndex(part.substr(part[at] == ':' ? at + 1 : at));
  if (!parsed.ok()) return;
  index = *parsed;
  part = part.substr(0, at);
  if (part.size() > 1 && part.back() == ':') part.remove_suffix(1);
}

Status ParsePart(std::string_view text, DatasetName& name) {
  Result<AxisVector> whole = ParseIndex(text);
  if (whole.ok()) {
    name.index = *whole;
    return {};
  }
  if (text.empty()) return whole.status().At(name.path);
  if (text.front() != '\'') {
    SplitIndex(text, name.index);
    name.part = text;
    return {};
  }
  const size_t literal_bytes = LiteralBytes(text);
  const Result<PyValue> literal = ParsePythonLiteral(text.substr(0, literal_bytes));
  std::string_view rest = text.substr(literal_bytes);
  if (!rest.empty() && rest.front() == ':') rest.remove_prefix(1);
  Result<AxisVector> index = rest.empty() ? AxisVector() : ParseIndex(rest);
  if (literal_bytes == 0 || !literal.ok() || literal->As<std::string>() == nullptr) {
    return Mismatch(StatusCode::kInvalidArgument, "name of a part", text,
                    "a text between quotation marks")
        .At(name.path);
  }
  if (!index.ok()) return index.status().At(name.path);
  name.part = *literal->As<std::string>();
  name.index = *index;
  return {};
}

// As it is where nothing in it has a meaning here, else as a literal without a quotation mark that
// ends a path.
std::string FormatPart(std::string_view part) {
  const bool is_plain = !part.empty() && IsUtf8(part) && Printable(part) == part &&
                        part.find_first_of("\"':[]\\") == std::string_view::npos &&
                        part.front() != ' ' && part.back() != ' ' && !ParseIndex(part).ok();
  if (is_plain) return std::string(part);
  std::string literal = "'";
  for (const char c : part) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\'' || c == '\\') {
      literal.append("\\").append(1, c);
    } else if (byte < 0x20 || byte == 0x7f || c == '"') {
      constexpr char kDigits[] = "0123456789abcdef";
      literal.append("\\x").append(1, kDigits[byte >> 4]).append(1, kDigits[byte & 15]);
    } else {
      literal += c;
    }
  }
  return literal + "'";
}

}  // namespace

size_t ArchivePartAt(std::string_view text) {
  for (size_t at = 0; (at = text.find(':', at)) != std::string_view::npos; ++at) {
    for (const std::string_view ending : {".npz", ".b2z"}) {
      if (at <= ending.size() || at + 1 == text.size()) continue;
      if (EQUALN(text.data() + at - ending.size(), ending.data(), ending.size())) return at;
    }
  }
  return std::string_view::npos;
}

Result<DatasetName> ParseDatasetName(std::string_view name, std::string_view driver) {
  DatasetName result;
  result.written_path = name;
  result.path = name;
  if (!HasDriverPrefix(std::string(name).c_str(), driver)) return result;
  const std::string_view rest = name.substr(driver.size() + 1);
  size_t path_bytes = std::min({ArchivePartAt(rest), IndexAt(rest), rest.size()});
  const bool quoted = !rest.empty() && rest.front() == '"';
  if (quoted) {
    // The last one: what follows has none.
    const size_t quote = rest.rfind('"');
    if (quote == 0) {
      return Mismatch(StatusCode::kInvalidArgument, "dataset name", name, "a closing quote");
    }
    path_bytes = quote + 1;
  }
  result.written_path = rest.substr(0, path_bytes);
  result.path = quoted ? ReplaceAll(rest.substr(1, path_bytes - 2), "\\\"", "\"")
                       : std::string(result.written_path);
  if (path_bytes == rest.size()) return result;
  if (rest[path_bytes] != ':') {
    return Mismatch(StatusCode::kInvalidArgument, "dataset name", name, ":index after the path");
  }
  result.written_part = rest.substr(path_bytes + 1);
  Status status = ParsePart(result.written_part, result);
  if (!status.ok()) return status;
  return result;
}

std::string FormatDatasetName(std::string_view driver, std::string_view path, std::string_view part,
                              const AxisVector& index) {
  std::string name(driver);
  name.append(":\"").append(ReplaceAll(path, "\"", "\\\"")).append("\"");
  if (!part.empty()) name.append(":").append(FormatPart(part));
  for (int axis = 0; axis < index.size(); ++axis) {
    name.append(axis == 0 ? ":" : ",").append(std::to_string(index[axis]));
  }
  return name;
}

}  // namespace ndarray
