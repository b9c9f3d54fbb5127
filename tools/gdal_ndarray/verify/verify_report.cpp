#include "tools/gdal_ndarray/verify/verify_report.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string>

namespace ndarray::tools {
namespace {

using Json = nlohmann::ordered_json;

void Print(const std::string& line) { std::printf("%s\n", line.c_str()); }

std::string Fixed(double value, int decimals) {
  char text[64];
  std::snprintf(text, sizeof(text), "%.*f", decimals, value);
  return text;
}

// "1 chunk", "2 chunks".
std::string Count(int64_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

// A text as it is, anything else as JSON.
std::string Plain(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

// "(3, 1024)", as Python prints a tuple.
std::string Tuple(const Json& values) {
  std::string text;
  for (const Json& value : values) text += (text.empty() ? "" : ", ") + value.dump();
  return "(" + text + (values.size() == 1 ? ",)" : ")");
}

// "pixels 0..511 x 512..1023, bands 1..3": first and last of each.
std::string Window(const Json& damage) {
  const auto range = [](int64_t first, int64_t last) {
    return std::to_string(first) + ".." + std::to_string(last);
  };
  const Json& window = damage["window"];
  const int64_t x = window[0];
  const int64_t y = window[1];
  std::string text = "x " + range(x, x + window[2].get<int64_t>() - 1) + ", y " +
                     range(y, y + window[3].get<int64_t>() - 1);
  if (damage.contains("bands")) text += ", bands " + range(damage["bands"][0], damage["bands"][1]);
  return text;
}

// "bytes 100..199": first and last.
std::string Bytes(const Json& damage, const std::string& prefix) {
  const uint64_t first = damage[prefix + "offset_bytes"];
  const std::string size = prefix + "size_bytes";
  if (!damage.contains(size)) return "from byte " + std::to_string(first);
  return "bytes " + std::to_string(first) + ".." +
         std::to_string(first + damage[size].get<uint64_t>() - 1);
}

void PrintStructure(const Json& structure) {
  const std::string after = Count(structure["trailing_bytes"], "byte") + " after " +
                            (structure.contains("frame_bytes") ? "the frame" : "them");
  if (!structure.contains("frame_bytes")) {
    Print("  structure: a header of " + Count(structure["header_bytes"], "byte") + ", " +
          Count(structure["data_bytes"], "byte") + " of elements, " + after);
    return;
  }
  const int64_t overlaps = structure["overlapping_chunks"];
  Print("  structure: " + Count(structure["chunks"], "chunk") + " (" +
        structure["special_chunks"].dump() + " without bytes), " +
        (overlaps == 0 ? "no two" : std::to_string(overlaps)) + " overlap; " +
        Count(structure["dead_bytes"], "byte") + " dead (" + Fixed(structure["dead_percent"], 1) +
        " %), " + after);
  for (const Json& overlap : structure["overlaps"]) {
    Print("  damage: chunk " + overlap["chunk"].dump() + ", " + Bytes(overlap, "") +
          ": overlaps chunk " + overlap["with_chunk"].dump() + ", " + Bytes(overlap, "with_"));
  }
}

std::string DamageText(const Json& damage) {
  std::string text = "chunk " + damage["chunk"].dump() + " " + Tuple(damage["index"]);
  if (damage.contains("block")) text += " block " + damage["block"].dump();
  if (damage.contains("padding")) text += " (all of it padding)";
  if (damage.contains("window")) text += ", " + Window(damage);
  return text + ", array" + damage["array"].get<std::string>() + ", " + Bytes(damage, "") + ": " +
         damage["what"].get<std::string>();
}

void PrintDecoding(const Json& decoding) {
  std::string blocks;
  for (const auto& [codec, count] : decoding["blocks"].items()) {
    blocks += (blocks.empty() ? "" : ", ") + count.dump() + " " + codec;
  }
  const double seconds = decoding["seconds"];
  const double megabytes = decoding["uncompressed_bytes"].get<double>() / 1e6;
  Print("  decoded: blocks: " + (blocks.empty() ? "none" : blocks) + "; " + Fixed(megabytes, 1) +
        " MB in " + Fixed(seconds, 2) + " s");
  for (const Json& damage : decoding["damage"]) Print("  damage: " + DamageText(damage));
  const auto listed = static_cast<int64_t>(decoding["damage"].size());
  const int64_t places = decoding["damaged_places"];
  if (places > listed) Print("  damage: and " + Count(places - listed, "other place"));
  if (places > 0) {
    Print("  damage in all: " + Count(places, "place") + " in " +
          Count(decoding["damaged_chunks"], "chunk"));
  }
}

void PrintChecksums(const Json& checksums) {
  const auto text = [&](const char* key) { return Plain(checksums[key]); };
  Print("  checksums: of chunks: " + text("chunks") + " (" +
        Count(checksums["checked_blocks"], "block") + " compared, " + text("unchecked_blocks") +
        " without); header and index: " + text("header_and_index") + "; shape: " + text("shape") +
        "; attributes: " + text("attributes"));
  if (checksums["header_and_index"] == "wrong") {
    Print("  damage: header or index: not what their checksum says");
  }
}

std::string DifferenceText(const Json& difference) {
  std::string text;
  if (difference.contains("band")) {
    text = "band " + difference["band"].dump() + ", x " + difference["x"].dump() + ", y " +
           difference["y"].dump();
  } else {
    text = "array" + difference["index"].dump();
  }
  if (difference.contains("field")) text += " field " + difference["field"].get<std::string>();
  return text + ": " + Plain(difference["here"]) + " here, " + Plain(difference["there"]) +
         " there";
}

std::string BoundsText(const Json& bounds) {
  if (bounds.is_object()) return Window(bounds);
  std::string text;
  for (const Json& part : bounds) {
    text += (text.empty() ? "array" : ", array") + part["array"].get<std::string>();
    if (part.contains("field")) text += " of field " + part["field"].get<std::string>();
  }
  return text;
}

void PrintAgainst(const Json& against) {
  const std::string source = "  against " + against["source"].get<std::string>() + ": ";
  for (const Json& difference : against["differences"]) Print(source + Plain(difference));
  if (against.contains("values")) {
    const int64_t values = against["values"];
    const int64_t different = against["different"];
    Print(source + (different == 0 ? "all " : std::to_string(different) + " of ") +
          Count(values, "value") +
          (different == 0 ? " equal" : " differ, within " + BoundsText(against["bounds"])));
    if (different > 0) {
      for (const Json& difference : against["first"]) Print("    " + DifferenceText(difference));
      const auto listed = static_cast<int64_t>(against["first"].size());
      if (different > listed) Print("    and " + std::to_string(different - listed) + " more");
    }
  }
  if (against.contains("unread")) {
    Print(source + Count(against["unread"], "value") +
          " cannot be read here: " + against["why_unread"].get<std::string>());
  }
  for (const Json& note : against["notes"]) Print("  note: " + Plain(note));
}

void PrintChecksum(const Json& report) {
  if (!report.contains("checksum")) return;
  const Json& checksum = report["checksum"];
  Print((checksum["state"] == "wrong" ? "  damage: " : "  checksum: ") + Plain(checksum["what"]));
}

void PrintMembers(const Json& report) {
  Print("  ZIP archive of " + Count(report["members"], "member") + ", " +
        report["right_members"].dump() + " of them with the CRC-32 that the archive has");
  for (const Json& member : report["damaged_members"]) {
    Print("  damage: member '" + Plain(member["member"]) + "': " + Plain(member["what"]));
  }
  for (const Json& member : report["unchecked_members"]) {
    Print("  not checked: member '" + Plain(member["member"]) + "': " + Plain(member["what"]));
  }
  if (report.contains("bytes_outside")) {
    Print("  unseen: " + Count(report["bytes_outside"], "byte") +
          " before the archive or after its end");
  }
  PrintChecksum(report);
}

}  // namespace

void PrintReport(const Json& report) {
  Print(report["file"].get<std::string>() + ": " + report["verdict"].get<std::string>());
  if (report.contains("members")) return PrintMembers(report);
  if (report.contains("what")) return Print("  " + Plain(report["what"]));
  std::string about = "  " + report["format"].get<std::string>() + ", shape " +
                      Tuple(report["shape"]) + ", dtype " + report["dtype"].get<std::string>();
  if (report.contains("chunks")) {
    about += ", chunks " + Tuple(report["chunks"]) + ", blocks " + Tuple(report["blocks"]);
  }
  Print(about);
  PrintStructure(report["structure"]);
  if (report.contains("decoding")) PrintDecoding(report["decoding"]);
  if (report.contains("checksums")) PrintChecksums(report["checksums"]);
  if (report.contains("damaged_attributes")) {
    for (const Json& attribute : report["damaged_attributes"]) {
      Print("  damage: " + Plain(attribute));
    }
  }
  PrintChecksum(report);
  if (report.contains("against")) PrintAgainst(report["against"]);
  if (report.contains("unseen")) {
    for (const Json& unseen : report["unseen"]) Print("  unseen: " + Plain(unseen));
  }
}

}  // namespace ndarray::tools
