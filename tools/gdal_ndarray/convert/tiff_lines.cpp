#include "tools/gdal_ndarray/convert/tiff_lines.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "driver/store/checked_math.h"
#include "tools/gdal_ndarray/command.h"

namespace ndarray::tools {
namespace {

// The limit of one decoded strip or tile. Pages of one strip are common, and microscopes' pages are
// small.
constexpr uint64_t kMaxDecodedBytes = uint64_t{1} << 30;

// The pieces that a page is compressed in: strips are tiles as wide as the page.
struct Grid {
  bool tiled = false;
  int64_t width = 0, height = 0;  // of the page
  int64_t piece_width = 0, piece_height = 0;
  SampleKind sample;
  bool plain = true;
  int64_t line_bytes = 0;        // of a decoded piece: whole bytes, as samples are packed
  size_t piece_bytes = 0;        // decoded
  int64_t planes = 1;            // of pieces
  int64_t samples = 1;           // in one piece
  int64_t sample_bytes = 1;      // as an element
  int64_t across = 1, down = 1;  // pieces of one plane

  int64_t pixel_bytes() const { return samples * sample_bytes; }
};

int64_t FileBytes(const TiffHandle& page) {
  TIFF* const tiff = page.get();
  return static_cast<int64_t>(TIFFGetSizeProc(tiff)(TIFFClientdata(tiff)));
}

Grid GridOf(const TiffHandle& page) {
  const PageKind kind = KindOf(page);
  Grid grid;
  grid.width = kind.width;
  grid.height = kind.height;
  grid.sample = kind.sample;
  if (const auto type = TypeOf(kind.sample)) {
    grid.plain = type->plain;
    grid.sample_bytes = static_cast<int64_t>(SizeBytes(type->type));
  }
  grid.tiled = TIFFIsTiled(page.get()) != 0;
  if (grid.tiled) {
    grid.piece_width = page.Field<uint32_t>(TIFFTAG_TILEWIDTH).value_or(0);
    grid.piece_height = page.Field<uint32_t>(TIFFTAG_TILELENGTH).value_or(0);
  } else {
    grid.piece_width = kind.width;
    grid.piece_height =
        std::min(page.Field<uint32_t>(TIFFTAG_ROWSPERSTRIP).value_or(kind.height), kind.height);
  }
  if (kind.width == 0 || kind.height == 0 || grid.piece_width == 0 || grid.piece_height == 0) {
    page.Fail("has strips or tiles of no size");
  }
  const bool together = page.Field<uint16_t>(TIFFTAG_PLANARCONFIG).value_or(PLANARCONFIG_CONTIG) ==
                        PLANARCONFIG_CONTIG;
  if (kind.samples == 0) page.Fail("has no samples");
  grid.samples = together ? kind.samples : 1;
  grid.planes = together ? 1 : kind.samples;
  // At most 2^32 times 2^16 times 2^16 bits.
  auto line_bits = CheckedMultiply(static_cast<uint64_t>(grid.piece_width) * kind.sample.bits,
                                   static_cast<uint64_t>(grid.samples));
  auto size = line_bits;
  if (size) size = CheckedMultiply((*line_bits + 7) / 8, static_cast<uint64_t>(grid.piece_height));
  if (!size || *size > kMaxDecodedBytes) {
    page.Fail("strips or tiles of more than 1 GiB are not supported");
  }
  grid.line_bytes = static_cast<int64_t>((*line_bits + 7) / 8);
  grid.piece_bytes = static_cast<size_t>(*size);
  grid.across = DivideUp(grid.width, grid.piece_width);
  grid.down = DivideUp(grid.height, grid.piece_height);
  if (grid.across > FileBytes(page) / grid.down / grid.planes) {
    page.Fail("has more strips or tiles than the file has bytes");
  }
  return grid;
}

class LineDecoder {
 public:
  LineDecoder(const TiffHandle& page, const Grid& grid) : page_(page), grid_(grid) {}

  void Decode(int64_t first_line, int64_t lines, std::byte* to) {
    const int64_t first = first_line / grid_.piece_height;
    const int64_t last = (first_line + lines - 1) / grid_.piece_height;
    for (int64_t plane = 0; plane < grid_.planes; ++plane) {
      for (int64_t row = first; row <= last; ++row) {
        for (int64_t column = 0; column < grid_.across; ++column) {
          DecodePiece(plane, row, column, first_line, lines, to);
        }
      }
    }
  }

 private:
  void DecodePiece(int64_t plane, int64_t row, int64_t column, int64_t first_line, int64_t lines,
                   std::byte* to) {
    const int64_t number = (plane * grid_.down + row) * grid_.across + column;
    const int64_t top = row * grid_.piece_height;
    const int64_t there =
        grid_.tiled ? grid_.piece_height : std::min(grid_.piece_height, grid_.height - top);
    const int64_t start = std::max(first_line, top);
    const int64_t stop = std::min({first_line + lines, top + there, grid_.height});
    const int64_t left = column * grid_.piece_width;
    const int64_t columns = std::min(grid_.piece_width, grid_.width - left);
    const int64_t to_pixel = grid_.pixel_bytes() * grid_.planes;
    const int64_t to_line = to_pixel * grid_.width;
    to += (start - first_line) * to_line + left * to_pixel + plane * grid_.sample_bytes;
    const auto size = static_cast<size_t>(there * grid_.line_bytes);
    // What is as wide as the page, and wanted whole, needs no copy.
    if (grid_.plain && grid_.planes == 1 && grid_.piece_width == grid_.width && start == top &&
        stop == top + there) {
      return Read(number, size, to);
    }
    if (decoded_ == nullptr) decoded_.reset(new std::byte[grid_.piece_bytes]);  // not cleared
    Read(number, size, decoded_.get());
    const std::byte* from = decoded_.get() + (start - top) * grid_.line_bytes;
    for (int64_t y = start; y < stop; ++y, from += grid_.line_bytes, to += to_line) {
      CopyLine(Elements(from, columns), columns, to, to_pixel);
    }
  }

  // A decoded line as elements.
  const std::byte* Elements(const std::byte* line, int64_t columns) {
    if (grid_.plain) return line;
    elements_.resize(static_cast<size_t>(columns * grid_.pixel_bytes()));
    Unpack(grid_.sample, line, columns * grid_.samples, elements_.data());
    return elements_.data();
  }

  void CopyLine(const std::byte* from, int64_t columns, std::byte* to, int64_t to_pixel) const {
    const int64_t pixel = grid_.pixel_bytes();
    if (pixel == to_pixel) {
      std::memcpy(to, from, static_cast<size_t>(columns * pixel));
      return;
    }
    for (int64_t x = 0; x < columns; ++x) {
      std::memcpy(to + x * to_pixel, from + x * pixel, static_cast<size_t>(pixel));
    }
  }

  // libtiff allocates what the table says of a compressed piece: it must be in the file.
  void Read(int64_t number, size_t size, std::byte* to) {
    TIFF* const tiff = page_.get();
    const auto piece = static_cast<uint32_t>(number);
    const std::string name = (grid_.tiled ? "tile " : "strip ") + std::to_string(number);
    const uint64_t offset = TIFFGetStrileOffset(tiff, piece);
    const uint64_t bytes = TIFFGetStrileByteCount(tiff, piece);
    const auto file_bytes = static_cast<uint64_t>(FileBytes(page_));
    if (offset == 0 || bytes == 0) page_.Fail(name + " is missing");
    if (offset > file_bytes || bytes > file_bytes - offset) {
      page_.Fail(name + " ends after the file");
    }
    const auto wanted = static_cast<tmsize_t>(size);
    const tmsize_t got = grid_.tiled ? TIFFReadEncodedTile(tiff, piece, to, wanted)
                                     : TIFFReadEncodedStrip(tiff, piece, to, wanted);
    if (got != wanted) page_.Fail(name + " cannot be decoded");
  }

  const TiffHandle& page_;
  const Grid grid_;
  std::unique_ptr<std::byte[]> decoded_;
  std::vector<std::byte> elements_;
};

// A JPEG decoder can give red, green and blue, without which the samples are not whole numbers of
// pixels.
bool DecodesColours(const TiffHandle& page) {
  return page.Field<uint16_t>(TIFFTAG_COMPRESSION).value_or(COMPRESSION_NONE) == COMPRESSION_JPEG;
}

bool IsYcbcr(const TiffHandle& page) {
  uint16_t photometric = 0;
  return TIFFGetField(page.get(), TIFFTAG_PHOTOMETRIC, &photometric) == 1 &&
         photometric == PHOTOMETRIC_YCBCR;
}

}  // namespace

PageKind KindOf(const TiffHandle& page) {
  PageKind kind;
  kind.width = page.Field<uint32_t>(TIFFTAG_IMAGEWIDTH).value_or(0);
  kind.height = page.Field<uint32_t>(TIFFTAG_IMAGELENGTH).value_or(0);
  kind.samples = page.Field<uint16_t>(TIFFTAG_SAMPLESPERPIXEL).value_or(1);
  kind.sample.bits = page.Field<uint16_t>(TIFFTAG_BITSPERSAMPLE).value_or(1);
  uint16_t& format = kind.sample.format;
  format = page.Field<uint16_t>(TIFFTAG_SAMPLEFORMAT).value_or(SAMPLEFORMAT_UINT);
  if (format == SAMPLEFORMAT_VOID) format = SAMPLEFORMAT_UINT;
  return kind;
}

std::string ToString(const PageKind& kind) {
  const SampleKind& sample = kind.sample;
  const char* const format = sample.format == SAMPLEFORMAT_UINT         ? "uint"
                             : sample.format == SAMPLEFORMAT_INT        ? "int"
                             : sample.format == SAMPLEFORMAT_IEEEFP     ? "float"
                             : sample.format == SAMPLEFORMAT_COMPLEXINT ? "complex int"
                                                                        : "complex";
  return std::to_string(kind.width) + " x " + std::to_string(kind.height) + " pixels of " +
         std::to_string(kind.samples) + " x " + format + std::to_string(sample.bits);
}

std::string Unsupported(const TiffHandle& page) {
  const auto compression = page.Field<uint16_t>(TIFFTAG_COMPRESSION).value_or(COMPRESSION_NONE);
  if (TIFFIsCODECConfigured(compression) == 0) {
    const TIFFCodec* const codec = TIFFFindCODEC(compression);
    return "compression " + (codec != nullptr ? codec->name : std::to_string(compression)) +
           " is not known to this libtiff";
  }
  if (IsYcbcr(page) && !DecodesColours(page)) {
    return "YCbCr colours are not supported but with JPEG compression";
  }
  return "";
}

int64_t LinesTogether(const TiffHandle& page) { return GridOf(page).piece_height; }

void DecodeLines(const TiffHandle& page, int64_t first_line, int64_t lines, std::byte* to) {
  if (IsYcbcr(page)) TIFFSetField(page.get(), TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
  LineDecoder(page, GridOf(page)).Decode(first_line, lines, to);
}

}  // namespace ndarray::tools
