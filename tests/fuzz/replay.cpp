// Runs a fuzz target over every file of the folders or files given, and over variations of each
// that are the same every time: cut at each length, each byte changed. For any compiler.
//
// usage: NAME_replay [--step=N] PATH...    With a step, only each Nth byte is changed, or cut at.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

constexpr size_t kVariedBytes = 2048;  // of the start of a file, where its structure is

size_t step = 1;
size_t runs = 0;

void Run(const std::string& bytes) {
  ++runs;
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
}

void RunVariations(const std::string& seed) {
  Run(seed);
  const size_t varied = std::min(seed.size(), kVariedBytes);
  for (size_t at = 0; at < varied; at += step) {
    Run(seed.substr(0, at));
    std::string changed = seed;
    for (int bit = 0; bit < 8; ++bit) {
      changed[at] = static_cast<char>(seed[at] ^ (1 << bit));
      Run(changed);
    }
    for (const char byte : {'\0', '\xFF', '0', '9', '(', ')', '\'', ','}) {
      changed[at] = byte;
      Run(changed);
    }
    Run(std::string(seed).erase(at, 1));
    Run(std::string(seed).insert(at, 1, seed[at]));
  }
}

std::vector<std::filesystem::path> FilesOf(const std::filesystem::path& path) {
  if (!std::filesystem::is_directory(path)) return {path};
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(path)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

int main(int argc, char** argv) {
  size_t seeds = 0;
  int first = 1;
  if (argc > 1 && std::strncmp(argv[1], "--step=", 7) == 0) {
    step = static_cast<size_t>(std::max(std::atoi(argv[1] + 7), 1));
    ++first;
  }
  for (int i = first; i < argc; ++i) {
    for (const auto& path : FilesOf(argv[i])) {
      std::ifstream file(path, std::ios::binary);
      if (!file) {
        std::fprintf(stderr, "cannot read %s\n", path.c_str());
        return 1;
      }
      // Named before it runs: the last name printed is the one that crashed.
      std::printf("%s\n", path.c_str());
      std::fflush(stdout);
      RunVariations({std::istreambuf_iterator<char>(file), {}});
      ++seeds;
    }
  }
  std::printf("%zu files, %zu runs\n", seeds, runs);
  return seeds > 0 ? 0 : 1;
}
