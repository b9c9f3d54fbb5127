#include "tools/gdal_ndarray/command.h"

#include <cpl_conv.h>
#include <cpl_error.h>
#include <cpl_vsi.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <mutex>
#include <set>

#include "driver/raster/files/dataset_name.h"
#include "driver/raster/formats/array_format.h"

namespace ndarray::tools {
namespace {

// The second, of a clock that starts at 1 or more, in which the user asked to stop; 0: not yet.
volatile std::sig_atomic_t interrupted = 0;

// Programs that start others may pass a Ctrl-C on, so that it comes twice.
void OnInterrupt(int signal_number) {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const auto second = static_cast<std::sig_atomic_t>(now.tv_sec + 1);
  if (interrupted != 0 && second > interrupted + 1) {
    std::signal(signal_number, SIG_DFL);
    std::raise(signal_number);
  }
  if (interrupted == 0) interrupted = second;
}

// Whether a progress bar is on the terminal that has not come to its end.
bool bar_is_open = false;

// What GDAL reported, from any thread.
struct GdalMessages {
  std::mutex mutex;
  std::string first_failure;
  std::set<std::string> warnings;
};

GdalMessages& Messages() {
  static GdalMessages messages;
  return messages;
}

void CPL_STDCALL OnGdalMessage(CPLErr level, CPLErrorNum, const char* text) {
  GdalMessages& messages = Messages();
  const std::lock_guard<std::mutex> lock(messages.mutex);
  if (level == CE_Debug) {
    std::fprintf(stderr, "%s\n", text);
  } else if (level == CE_Warning) {
    if (messages.warnings.insert(text).second) std::fprintf(stderr, "warning: %s\n", text);
  } else if (level != CE_None && messages.first_failure.empty()) {
    messages.first_failure = text;
    // Some end with a line's end of their own.
    while (!messages.first_failure.empty() && messages.first_failure.back() == '\n') {
      messages.first_failure.pop_back();
    }
  }
}

}  // namespace

void InstallHandlers() {
  CPLSetErrorHandler(OnGdalMessage);
  std::signal(SIGINT, OnInterrupt);
  std::signal(SIGTERM, OnInterrupt);
}

void Check(const Status& status) {
  if (status.code() == StatusCode::kCancelled) StopIfInterrupted();
  if (status.code() == StatusCode::kReported) ThrowGdalFailure(status.message());
  if (!status.ok()) throw Failure(status.message());
}

void RequirePath(const std::string& name) {
  for (const ArrayFormat* const format : Formats()) {
    if (HasDriverPrefix(name.c_str(), format->driver)) {
      throw WrongUsage(name + ": found a part of a file, wanted the path of a file");
    }
  }
}

void ThrowGdalFailure(const std::string& otherwise, const std::vector<std::string>& files) {
  StopIfInterrupted();
  GdalMessages& messages = Messages();
  const std::lock_guard<std::mutex> lock(messages.mutex);
  const std::string& failure = messages.first_failure;
  if (failure.empty()) throw Failure(otherwise);
  const bool named = std::any_of(files.begin(), files.end(), [&](const std::string& file) {
    return failure.find(CPLGetFilename(file.c_str())) != std::string::npos;
  });
  throw Failure(named || files.empty() ? failure : files.front() + ": " + failure);
}

void ForgetGdalErrors() {
  GdalMessages& messages = Messages();
  const std::lock_guard<std::mutex> lock(messages.mutex);
  messages.first_failure.clear();
}

DatasetPointer OpenRaster(const std::string& path, CSLConstList options) {
  ForgetGdalErrors();
  DatasetPointer dataset(GDALDataset::Open(
      path.c_str(), GDAL_OF_RASTER | GDAL_OF_READONLY | GDAL_OF_VERBOSE_ERROR, nullptr, options));
  if (dataset == nullptr) ThrowGdalFailure(path + ": cannot open", {path});
  return dataset;
}

int ShowProgress(double complete, const char* message, void* data) {
  static const bool terminal = isatty(STDOUT_FILENO) == 1;
  if (terminal) {
    GDALTermProgress(complete, message, data);
    bar_is_open = complete < 1;
  }
  return interrupted ? FALSE : TRUE;
}

void EndProgress() {
  if (bar_is_open) std::putchar('\n');
  bar_is_open = false;
}

int WatchForInterrupt(double, const char*, void*) { return interrupted ? FALSE : TRUE; }

void StopIfInterrupted() {
  if (interrupted) throw Failure("interrupted");
}

}  // namespace ndarray::tools
