// How an image will be read: in which windows, and where they are.
#ifndef GDAL_NDARRAY_TOOLS_READING_H_
#define GDAL_NDARRAY_TOOLS_READING_H_

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace ndarray::tools {

// Width, height and bands of an image.
struct ImageSize {
  int width = 0, height = 0, bands = 0;

  double pixels() const { return static_cast<double>(width) * height * bands; }
};

struct Window {
  int x, y, width, height;
  int first_band, bands;
};

struct Reading {
  enum Kind { kWindow, kRows, kBands, kWhole };

  // Lines that are read at a time by kRows.
  static constexpr int kLines = 64;

  Kind kind = kWindow;
  int side = 512;  // of kWindow

  // Width, height and bands of one read of an image; clipped where the image is smaller.
  ImageSize WindowOf(const ImageSize& image) const;

  // Where to read, at most `max_count` windows, at least one. They do not overlap, and leave half
  // of the image alone, so that they meet no more of each other's blocks than in a large image.
  std::vector<Window> Places(const ImageSize& image, size_t max_count,
                             std::mt19937_64& random) const;

  // "windows of 512 x 512", for people.
  std::string Describe() const;
};

// "window=512", "window", "rows", "bands" or "whole"; throws WrongUsage for other texts.
Reading ParseReading(const std::string& text);

}  // namespace ndarray::tools

#endif  // GDAL_NDARRAY_TOOLS_READING_H_
