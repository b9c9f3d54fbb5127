#include <CLI/CLI.hpp>
#include <cinttypes>
#include <cstdio>

#include "driver/raster/b2nd_create.h"
#include "driver/raster/vsi_file.h"
#include "driver/store/frame_copy.h"
#include "tools/command.h"

namespace ndarray::tools {
namespace {

struct Arguments {
  std::string file;
  bool quiet = false;
};

ExitCode Compact(const Arguments& arguments) {
  const std::string& path = arguments.file;
  const std::string driver = OpenRaster(path)->GetDriver()->GetDescription();
  if (driver != kB2ndDriverName) {
    throw Failure(path + ": found a file of the driver " + driver +
                  ", wanted a .b2nd file: others have no dead space");
  }
  const std::shared_ptr<ByteFile> file = Value(OpenUpdateFile(path));
  const auto show = arguments.quiet ? WatchForInterrupt : ShowProgress;
  const Result<Compaction> done = CompactFrame(
      *file, CreateOutputFile, [&](double share) { return show(share, "", nullptr) != 0; });
  if (!done.ok()) StopIfInterrupted();
  Check(done.status());
  if (arguments.quiet) return kDone;
  if (done->new_bytes == done->old_bytes) {
    std::printf("%s: %" PRIu64 " bytes, nothing to reclaim\n", path.c_str(), done->old_bytes);
  } else {
    show(1, "", nullptr);
    std::printf("%s: %" PRIu64 " bytes before, %" PRIu64 " bytes now\n", path.c_str(),
                done->old_bytes, done->new_bytes);
  }
  return kDone;
}

}  // namespace

void AddCompact(CLI::App& program, Runner& runner) {
  const auto arguments = std::make_shared<Arguments>();
  CLI::App* const command =
      program.add_subcommand("compact", "Rewrite a .b2nd file without the space of old chunks");
  command->add_option("FILE", arguments->file, "Path of a .b2nd file")->required();
  command->add_flag("-q,--quiet", arguments->quiet, "Print nothing");
  command->footer(
      "Exit code: 0 done, or nothing to reclaim; 1 failed: the file is as it was; 2 wrong "
      "usage.\n\n"
      "Example:\n"
      "  gdal_ndarray compact scene.b2nd  # after many updates; 'info' tells the dead space");
  command->callback([arguments, &runner] { runner = [arguments] { return Compact(*arguments); }; });
}

}  // namespace ndarray::tools
