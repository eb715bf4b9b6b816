#include <fmt/core.h>

#include <memory>

#include "base/text.h"
#include "cli/container_commands.h"
#include "cli/project.h"
#include "cli/prune.h"
#include "cli/sizes.h"

namespace berth::cli {
namespace {

struct ContainerPruneFlags {
  std::vector<std::string> filters;
  bool force = false;
};

Status prune(const Context& context, const ContainerPruneFlags& flags) {
  BERTH_TRY(engine::PruneOptions options, parse_prune_filters(flags.filters));
  options.networks = false;
  BERTH_TRY_OK(check_records(context));
  if (!flags.force && !confirm("WARNING! This will remove all stopped containers.")) return {};
  uint64_t freed = 0;
  bool ok = prune_projects(context, options, freed);
  fmt::print("Total reclaimed space: {}\n", size_text(freed, 4));
  if (!ok) return make_error("not everything could be removed");
  return {};
}

}  // namespace

void add_container_prune(Command noun, Context& context) {
  auto flags = std::make_shared<ContainerPruneFlags>();
  Command command = noun.add_command("prune", "Remove all stopped containers");
  command.flag("-f,--force", flags->force, "Do not prompt for confirmation");
  command.option("--filter", flags->filters, "Only what matches: until=, label=, label!=");
  command.runs(context, [&context, flags] { return report(context, prune(context, *flags)); });
}

}  // namespace berth::cli
