#include <memory>

#include "cli/network_commands.h"
#include "cli/project.h"
#include "cli/prune.h"

namespace berth::cli {
namespace {

struct NetworkPruneFlags {
  std::vector<std::string> filters;
  bool force = false;
};

Status prune(const Context& context, const NetworkPruneFlags& flags) {
  BERTH_TRY(engine::PruneOptions options, parse_prune_filters(flags.filters));
  options.containers = false;
  BERTH_TRY_OK(check_records(context));
  const char* warning = "WARNING! This will remove all custom networks not used by at least one container.";
  if (!flags.force && !confirm(warning)) return {};
  uint64_t freed = 0;
  if (!prune_projects(context, options, freed)) return make_error("not everything could be removed");
  return {};
}

}  // namespace

void add_network_prune(Command noun, Context& context) {
  auto flags = std::make_shared<NetworkPruneFlags>();
  Command command = noun.add_command("prune", "Remove all unused networks");
  command.flag("-f,--force", flags->force, "Do not prompt for confirmation");
  command.option("--filter", flags->filters, "Only what matches: until=, label=, label!=");
  command.runs(context, [&context, flags] { return report(context, prune(context, *flags)); });
}

}  // namespace berth::cli
