// Windows through GDAL's multidimensional API beside those of the classic one, of the same file, by
// the C++ API: the bindings of Python make their arrays at different costs. In turns, by processor
// time of the process.
//
// usage: multidim_bench FILE [TURNS]     a file of one band of uint16 (with GDAL_DRIVER_PATH set)

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <memory>
#include <random>
#include <vector>

#include "driver/raster/gdal_compat.h"

namespace {

constexpr int kBytesPerTurn = 200 << 20;  // of all windows together

struct Place {
  int x, y;
};

double Seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

double SecondsOf(const std::vector<Place>& places, const std::function<bool(Place)>& read) {
  const double start = Seconds();
  for (const Place& place : places) {
    if (!read(place)) std::exit(1);
  }
  return Seconds() - start;
}

void Compare(GDALRasterBand& band, GDALMDArray& array, int side, int turns) {
  std::mt19937 random(1);
  std::vector<uint16_t> buffer(static_cast<size_t>(side) * static_cast<size_t>(side));
  std::vector<Place> places(static_cast<size_t>(std::min(20000, kBytesPerTurn / side / side / 2)));
  for (Place& place : places) {
    place.x = static_cast<int>(random() % static_cast<unsigned>(band.GetXSize() - side + 1));
    place.y = static_cast<int>(random() % static_cast<unsigned>(band.GetYSize() - side + 1));
  }
  const auto type = GDALExtendedDataType::Create(GDT_UInt16);
  const auto classic = [&](Place at) {
    return band.RasterIO(GF_Read, at.x, at.y, side, side, buffer.data(), side, side, GDT_UInt16, 0,
                         0, nullptr) == CE_None;
  };
  const auto multidim = [&](Place at) {
    const GUInt64 start[] = {static_cast<GUInt64>(at.y), static_cast<GUInt64>(at.x)};
    const size_t count[] = {static_cast<size_t>(side), static_cast<size_t>(side)};
    const GInt64 step[] = {1, 1};
    const GPtrDiff_t stride[] = {side, 1};
    return array.Read(start, count, step, stride, type, buffer.data(), buffer.data(),
                      buffer.size() * sizeof(uint16_t));
  };
  std::vector<double> ratios;
  double least = 1e9;
  for (int turn = 0; turn < turns; ++turn) {
    const double of_classic = SecondsOf(places, classic);
    const double of_multidim = SecondsOf(places, multidim);
    ratios.push_back(of_classic / of_multidim);
    least = std::min(least, of_multidim / static_cast<double>(places.size()));
  }
  std::sort(ratios.begin(), ratios.end());
  std::printf("%4d squared: %.2f of the classic speed (%.2f to %.2f), %.2f us\n", side,
              ratios[ratios.size() / 2], ratios.front(), ratios.back(), least * 1e6);
}

}  // namespace

int main(int count, char** words) {
  if (count < 2) return 2;
  GDALAllRegister();
  const std::unique_ptr<GDALDataset> classic(
      GDALDataset::Open(words[1], GDAL_OF_RASTER, nullptr, nullptr, nullptr));
  const std::unique_ptr<GDALDataset> multidim(
      GDALDataset::Open(words[1], GDAL_OF_MULTIDIM_RASTER, nullptr, nullptr, nullptr));
  if (classic == nullptr || multidim == nullptr) return 1;
  const auto group = multidim->GetRootGroup();
  const auto array = group->OpenMDArray(group->GetMDArrayNames()[0]);
  if (array == nullptr || array->GetDimensionCount() != 2) return 1;
  for (const int side : {64, 512, 2048}) {
    if (side >= classic->GetRasterXSize() || side >= classic->GetRasterYSize()) continue;
    Compare(*classic->GetRasterBand(1), *array, side, count > 2 ? std::atoi(words[2]) : 21);
  }
  return 0;
}
