// builder: the cache of builds.

#include <fmt/core.h>

#include <memory>

#include "cli/commands.h"
#include "cli/project.h"
#include "cli/prune.h"
#include "cli/sizes.h"

namespace berth::cli {
namespace {

Status prune(const Context& context, bool force) {
  BERTH_TRY_OK(check_records(context));
  if (!force && !confirm("WARNING! This will remove all build cache.")) return {};
  uint64_t freed = 0;
  BERTH_TRY_OK(prune_build_cache(context, freed));
  fmt::print("Total reclaimed space: {}\n", size_text(freed, 4));
  return {};
}

}  // namespace

void add_builder(Command app, Context& context) {
  auto force = std::make_shared<bool>(false);
  Command command = app.noun("builder").add_command("prune", "Remove build cache");
  command.ignore_flag("-a,--all");  // Docker's: there is no cache that would stay without it
  command.flag("-f,--force", *force, "Do not prompt for confirmation");
  command.runs(context, [&context, force] { return report(context, prune(context, *force)); });
}

}  // namespace berth::cli
