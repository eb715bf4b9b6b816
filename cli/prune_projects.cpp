#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "cli/prune.h"
#include "cli/quiet.h"
#include "cli/request.h"
#include "engine/request.h"
#include "engine/state.h"
#include "sys/directory.h"

namespace berth::cli {
namespace {

std::vector<std::string> container_ids(const engine::Observed& observed) {
  std::vector<std::string> ids;
  for (const engine::Container& container : observed.containers) ids.push_back(container.record.id);
  return ids;
}

std::vector<std::string> network_names(const engine::Observed& observed) {
  std::vector<std::string> names;
  for (const engine::NetworkRecord& network : observed.networks) names.push_back(network.config.name);
  return names;
}

std::vector<std::string> gone(std::vector<std::string> before, const std::vector<std::string>& now) {
  std::erase_if(before, [&](const std::string& one) { return std::find(now.begin(), now.end(), one) != now.end(); });
  return before;
}

/// Containers that belong to no project are named one by one: one that somebody makes at this moment is under his lock,
/// and stays if it runs by then.
bool prune_loners(const Context& context, const engine::Plan& plan) {
  engine::RemoveRequest request;
  for (const engine::Step& step : plan.steps) {
    if (const auto* remove = std::get_if<engine::RemoveContainer>(&step.action))
      request.selection.containers.insert(remove->container.id);
  }
  return request.selection.containers.empty() || carry_out(context, engine::to_message(request)) == 0;
}

}  // namespace

bool prune_projects(const Context& context, const engine::PruneOptions& options, uint64_t& freed) {
  engine::StateStore store(context.paths);
  engine::Observed before = store.observe();
  std::set<std::string> projects;
  for (const engine::Container& container : before.containers) projects.insert(container.record.project);
  for (const engine::NetworkRecord& network : before.networks) projects.insert(network.project);
  std::map<std::string, uint64_t> sizes;
  for (const std::string& id : container_ids(before)) sizes[id] = sys::disk_usage(context.paths.container(id));
  const Context quiet = without_progress(context);
  bool ok = true;
  for (const std::string& project : projects) {
    const engine::Plan plan = engine::plan_prune(project, before, options);
    if (plan.empty()) continue;
    engine::PruneRequest request{{project, {}, true, {}}, options};
    if (project.empty()) {
      ok = prune_loners(quiet, plan) && ok;
      request.options.containers = false;
    }
    if (request.options.containers || request.options.networks)
      ok = carry_out(quiet, engine::to_message(request)) == 0 && ok;
  }
  engine::Observed after = store.observe();
  std::vector<std::string> removed = gone(container_ids(before), container_ids(after));
  for (const std::string& id : removed) freed += sizes[id];
  print_list("Deleted Containers", removed);
  print_list("Deleted Networks", gone(network_names(before), network_names(after)));
  return ok;
}

void print_list(const char* title, const std::vector<std::string>& lines) {
  if (lines.empty()) return;
  fmt::print("{}:\n", title);
  for (const std::string& line : lines) fmt::print("{}\n", printable(line));
  fmt::print("\n");
}

}  // namespace berth::cli
