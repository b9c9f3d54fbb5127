// What the subcommands of gdal_ndarray share: how they fail, show progress and stop.
//
// Exit codes: 0 done, 1 failed or found a difference, 2 wrong usage. An error is one line on
// stderr, "gdal_ndarray SUBCOMMAND: MESSAGE"; results are on stdout. GDAL's own messages: only
// the first failure is shown (later ones follow from it), and each warning once.
#ifndef GDAL_NDARRAY_TOOLS_COMMAND_H_
#define GDAL_NDARRAY_TOOLS_COMMAND_H_

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "driver/raster/gdal_compat.h"
#include "driver/raster/gdal_progress.h"
#include "driver/store/status.h"

namespace ndarray::tools {

enum ExitCode { kDone = 0, kFailed = 1, kWrongUsage = 2 };

// What was asked could not be done: exit code 1.
struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// What was asked makes no sense, or not of a file of that kind: exit code 2.
struct WrongUsage : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Takes over GDAL's messages and Ctrl-C (SIGTERM, too). Called once, first.
void InstallHandlers();

// Throws the status as a Failure, unless it is a success: "interrupted" where the user asked for
// it, and what GDAL has reported instead of kReported.
void Check(const Status& status);

template <typename T>
T Value(Result<T> result) {
  Check(result.status());
  return std::move(*result);
}

// Throws WrongUsage where the name is GDAL's for a part of a .npy or .b2nd file, and no path.
void RequirePath(const std::string& name);

// Throws the first failure that GDAL reported since ForgetGdalErrors (since the start of the
// program, if it was never called), or `otherwise` where it reported none. Some of GDAL's messages
// name no file: those that name none of `files` get the first of these before them.
[[noreturn]] void ThrowGdalFailure(const std::string& otherwise,
                                   const std::vector<std::string>& files = {});
void ForgetGdalErrors();

struct CloseDataset {
  void operator()(GDALDataset* dataset) const { GDALClose(GDALDataset::ToHandle(dataset)); }
};
using DatasetPointer = std::unique_ptr<GDALDataset, CloseDataset>;

// Opens a raster that GDAL reads, or throws a Failure that says why not. A file that is not there
// is reported as such. `options` are open options; nullptr: none.
DatasetPointer OpenRaster(const std::string& path, CSLConstList options = nullptr);

// A GDAL progress callback for a run of the program: GDAL's bar where stdout is a terminal, nothing
// else. The callback asks to stop once the user has pressed Ctrl-C. `data` is ignored.
int ShowProgress(double complete, const char* message, void* data);

// Leaves the line of a bar that has not come to its end.
void EndProgress();

// Progress without a bar: only asks to stop.
int WatchForInterrupt(double complete, const char* message, void* data);

// One of these, as a GDAL callback and as all else knows it.
inline GDALProgressFunc GdalProgress(bool quiet) {
  return quiet ? WatchForInterrupt : ShowProgress;
}
inline ProgressFn ProgressOf(bool quiet) { return FromGdal(GdalProgress(quiet), nullptr); }

// Throws a Failure, "interrupted", once the user has pressed Ctrl-C. Work that has no progress
// callback asks it now and then; another Ctrl-C, two seconds later, ends the process at once.
void StopIfInterrupted();

}  // namespace ndarray::tools

#endif  // GDAL_NDARRAY_TOOLS_COMMAND_H_
