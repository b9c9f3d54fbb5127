#include "tools/command.h"
namespace ndarray::tools {
void AddInfo(CLI::App& program, Runner& runner) {
  struct Arguments {
    std::string file;
    bool json = false;
    bool chunks = false;
  };
  const auto arguments = std::make_shared<Arguments>();
  CLI::App* const command = program.add_subcommand("info", "Describe a .npy or .b2nd file");
  command->add_option("FILE", arguments->file, "Path, or name of a subdataset")->required();
  command->callback([arguments, &runner] {
    runner = [arguments] {
      OpenRaster(arguments->file);
      return kDone;
    };
  });
}
}  // namespace ndarray::tools
