#include <fmt/core.h>

#include <memory>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/project.h"
#include "cli/prune.h"
#include "cli/sizes.h"
#include "cli/volume_commands.h"

namespace berth::cli {
namespace {

struct SystemPruneFlags {
  std::vector<std::string> filters;
  bool all = false, force = false, volumes = false;
};

std::string warning_text(const SystemPruneFlags& flags) {
  std::string text =
      "WARNING! This will remove:\n"
      "  - all stopped containers\n"
      "  - all networks not used by at least one container\n";
  if (flags.volumes) text += "  - all anonymous volumes not used by at least one container\n";
  text +=
      flags.all ? "  - all images without at least one container associated to them\n" : "  - all dangling images\n";
  text += flags.all ? "  - all build cache\n" : "  - unused build cache\n";
  if (!flags.filters.empty()) text += "\n  Items to be pruned will be filtered with:\n";
  for (const std::string& filter : flags.filters) text += "  - " + printable(filter) + "\n";
  return text;
}

Status prune(const Context& context, const SystemPruneFlags& flags) {
  BERTH_TRY(engine::PruneOptions options, parse_prune_filters(flags.filters));
  if (flags.volumes && options.created_before_ns)
    return make_error("The \"until\" filter is not supported with \"--volumes\"");
  BERTH_TRY_OK(check_records(context));
  if (!flags.force && !confirm(warning_text(flags))) return {};
  uint64_t freed = 0;
  bool ok = prune_projects(context, options, freed);
  if (flags.volumes) BERTH_TRY_OK(prune_volumes(context, options.labels, false, freed));
  BERTH_TRY_OK(prune_images(context, flags.filters, flags.all, freed));
  if (flags.filters.empty()) BERTH_TRY_OK(prune_build_cache(context, freed));
  fmt::print("Total reclaimed space: {}\n", size_text(freed, 4));
  if (!ok) return make_error("not everything could be removed");
  return {};
}

}  // namespace

void add_system_prune(Command app, Context& context) {
  auto flags = std::make_shared<SystemPruneFlags>();
  Command command = app.noun("system").add_command("prune", "Remove unused data");
  command.flag("-a,--all", flags->all, "Remove all unused images not just dangling ones");
  command.flag("-f,--force", flags->force, "Do not prompt for confirmation");
  command.flag("--volumes", flags->volumes, "Prune anonymous volumes");
  command.option("--filter", flags->filters, "Only what matches: until=, label=, label!=");
  command.runs(context, [&context, flags] { return report(context, prune(context, *flags)); });
}

}  // namespace berth::cli
