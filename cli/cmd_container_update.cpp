#include <fmt/core.h>

#include <memory>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/container_choice.h"
#include "cli/container_commands.h"
#include "cli/container_model.h"
#include "cli/project.h"
#include "cli/quiet.h"
#include "cli/request.h"
#include "engine/json.h"
#include "engine/update_request.h"

namespace berth::cli {
namespace {

/// An attribute of Compose's language, as everywhere, and what in the container's configuration comes of it.
struct UpdateRow {
  const char *names, *attribute, *config, *help;
};
constexpr UpdateRow kUpdateRows[] = {
    {"--blkio-weight", "/blkio_config/weight", "/resources/blkio/weight", "Block IO (relative weight), 10 to 1000"},
    {"--cpu-period", "/cpu_period", "/resources/cpu_period", "Limit CPU CFS (Completely Fair Scheduler) period"},
    {"--cpu-quota", "/cpu_quota", "/resources/cpu_quota", "Limit CPU CFS (Completely Fair Scheduler) quota"},
    {"--cpu-rt-period", "/cpu_rt_period", "/resources/cpu_rt_period", "Limit the CPU real-time period"},
    {"--cpu-rt-runtime", "/cpu_rt_runtime", "/resources/cpu_rt_runtime", "Limit the CPU real-time runtime"},
    {"-c,--cpu-shares", "/cpu_shares", "/resources/cpu_shares", "CPU shares (relative weight)"},
    {"--cpus", "/cpus", "/resources/nano_cpus", "Number of CPUs"},
    {"--cpuset-cpus", "/cpuset", "/resources/cpuset", "CPUs in which to allow execution (0-3, 0,1)"},
    {"-m,--memory", "/mem_limit", "/resources/memory", "Memory limit"},
    {"--memory-reservation", "/mem_reservation", "/resources/memory_reservation", "Memory soft limit"},
    {"--memory-swap", "/memswap_limit", "/resources/memory_swap", "Limit of memory plus swap: -1 for unlimited swap"},
    {"--pids-limit", "/pids_limit", "/resources/pids", "Tune container pids limit (-1 for unlimited)"},
    {"--restart", "/restart", "/restart", "Restart policy to apply when a container exits"},
};

struct UpdateFlags {
  std::vector<std::string> containers;
  std::vector<std::string> values = std::vector<std::string>(std::size(kUpdateRows));  // "" = as it is
  std::string memory_nodes;
};

/// The flags as a merge patch. Nothing after telling what is wrong.
std::optional<engine::Json> changes_of(const Context& context, const UpdateFlags& flags) {
  ContainerModel model("update");
  model.set("/image", "update", "IMAGE");  // nobody looks for it
  for (size_t i = 0; i < std::size(kUpdateRows); ++i) {
    const std::vector<std::string> names = split(kUpdateRows[i].names, ',');
    if (!flags.values[i].empty()) model.set(kUpdateRows[i].attribute, flags.values[i], names.back());
  }
  std::optional<ContainerModel::Lowered> lowered = model.lower(context);
  if (!lowered) return std::nullopt;
  const engine::Json config = lowered->stack.services.back().container;
  engine::Json changes = engine::Json::object();
  for (size_t i = 0; i < std::size(kUpdateRows); ++i) {
    const engine::Json::json_pointer place(kUpdateRows[i].config);
    if (!flags.values[i].empty()) changes[place] = config.at(place);
  }
  // The two forms of one limit exclude each other: the later one counts.
  if (auto resources = changes.find("resources"); resources != changes.end()) {
    if (resources->contains("nano_cpus"))
      (*resources)["cpu_quota"] = (*resources)["cpu_period"] = 0;
    else if (resources->contains("cpu_quota"))
      (*resources)["nano_cpus"] = 0;
  }
  return std::optional<engine::Json>(std::in_place, std::move(changes));
}

int update(const Context& context, const UpdateFlags& flags) {
  if (!flags.memory_nodes.empty())
    return report(context, make_error("--cpuset-mems is not supported: memory nodes cannot be chosen"));
  if (join(flags.values, "").empty())
    return report(context, make_error("there is nothing to update: no flag is given"));
  std::optional<engine::Json> changes = changes_of(context, flags);
  if (!changes) return 1;
  int code = 0;
  for (const NamedContainer& one : find_containers(context, flags.containers, code)) {
    const engine::UpdateRequest request{engine::only(one.container.record), *changes};
    if (carry_out(without_progress(context), engine::to_message(request)) == 0)
      fmt::print("{}\n", printable(one.name));
    else
      code = 1;
  }
  return code;
}

}  // namespace

void add_container_update(Command noun, Context& context) {
  auto flags = std::make_shared<UpdateFlags>();
  Command command = noun.add_command("update", "Update configuration of one or more containers");
  choose_containers(command, flags->containers);
  for (size_t i = 0; i < std::size(kUpdateRows); ++i)
    command.option(kUpdateRows[i].names, flags->values[i], kUpdateRows[i].help);
  command.option("--cpuset-mems", flags->memory_nodes).hidden();  // known in order to be refused by name
  command.runs(context, [&context, flags] { return update(context, *flags); });
}

}  // namespace berth::cli
