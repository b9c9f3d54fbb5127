#include <dirent.h>
#include <unistd.h>

#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "driver/store/io/lock_holders.h"

namespace ndarray {
namespace {

constexpr size_t kMaxNamed = 4;

// The names in a folder that are numbers.
std::vector<std::string> NumbersIn(const std::string& folder) {
  std::vector<std::string> numbers;
  DIR* const entries = opendir(folder.c_str());
  if (entries == nullptr) return numbers;
  while (const dirent* const entry = readdir(entries)) {
    if (std::isdigit(static_cast<unsigned char>(entry->d_name[0])) != 0) {
      numbers.emplace_back(entry->d_name);
    }
  }
  closedir(entries);
  return numbers;
}

// Whether a line of /proc/PID/fdinfo/N is such a lock:
// "lock:\t1: OFDLCK ADVISORY  WRITE -1 fe:01:1234 4096 4096". Devices are not compared: some file
// systems give them other numbers there.
bool IsLock(const std::string& line, FileId file, int64_t byte) {
  unsigned long long inode = 0;
  long long start = 0;
  return line.compare(0, 5, "lock:") == 0 && line.find(" OFDLCK ") != std::string::npos &&
         std::sscanf(line.c_str(), "%*s %*s %*s %*s %*s %*s %*x:%*x:%llu %lld", &inode, &start) ==
             2 &&
         inode == file.inode && start == byte;
}

bool Holds(const std::string& fdinfo, FileId file, int64_t byte) {
  std::ifstream lines(fdinfo);
  std::string line;
  while (std::getline(lines, line)) {
    if (IsLock(line, file, byte)) return true;
  }
  return false;
}

}  // namespace

LockHolders FindLockHolders(FileId file, int64_t byte, int own) {
  const std::string self = std::to_string(getpid());
  std::set<std::string> found;
  for (const std::string& process : NumbersIn("/proc")) {
    const std::string folder = "/proc/" + process + "/fdinfo";
    for (const std::string& descriptor : NumbersIn(folder)) {
      if (process == self && descriptor == std::to_string(own)) continue;
      if (Holds(folder + "/" + descriptor, file, byte)) {
        found.insert(process);
        break;
      }
    }
  }
  if (found.empty()) return {"another process or dataset"};
  if (found.size() == 1 && *found.begin() == self) return {"another dataset of this process"};
  LockHolders holders{"process ", found.size() > 1};
  if (holders.several) holders.names = "processes ";
  size_t named = 0;
  for (const std::string& process : found) {
    if (named == kMaxNamed) {
      holders.names += " and others";
      break;
    }
    if (named > 0) holders.names += named + 1 == found.size() ? " and " : ", ";
    holders.names += process;
    ++named;
  }
  return holders;
}

}  // namespace ndarray
