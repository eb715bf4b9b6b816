#include <fmt/core.h>

#include <memory>

#include "cli/image_commands.h"
#include "cli/project.h"
#include "cli/prune.h"
#include "cli/sizes.h"

namespace berth::cli {
namespace {

struct ImagePruneFlags {
  std::vector<std::string> filters;
  bool all = false, force = false;
};

Status prune(const Context& context, const ImagePruneFlags& flags) {
  BERTH_TRY_OK(check_records(context));
  const char* warning = flags.all
                            ? "WARNING! This will remove all images without at least one container associated to them."
                            : "WARNING! This will remove all dangling images.";
  if (!flags.force && !confirm(warning)) return {};
  uint64_t freed = 0;
  BERTH_TRY_OK(prune_images(context, flags.filters, flags.all, freed));
  fmt::print("Total reclaimed space: {}\n", size_text(freed, 4));
  return {};
}

}  // namespace

void add_image_prune(Command noun, Context& context) {
  auto flags = std::make_shared<ImagePruneFlags>();
  Command command = noun.add_command("prune", "Remove unused images");
  command.flag("-a,--all", flags->all, "Remove all unused images, not just dangling ones");
  command.flag("-f,--force", flags->force, "Do not prompt for confirmation");
  command.option("--filter", flags->filters, "Only what matches: until=, label=, label!=, dangling=");
  command.runs(context, [&context, flags] { return report(context, prune(context, *flags)); });
}

}  // namespace berth::cli
