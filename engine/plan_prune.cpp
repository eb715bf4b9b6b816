#include "engine/plan_prune.h"

#include <algorithm>
#include <set>

#include "engine/predefined_network.h"

namespace berth::engine {
namespace {

bool is_up(const Container& container) {
  return container.live.alive() || container.live.status == Status::restarting;
}

bool old_enough(int64_t created_ns, const PruneOptions& options) {
  return !options.created_before_ns || created_ns < *options.created_before_ns;
}

bool attached(const Container& container, const std::string& network) {
  const auto& attachments = container.record.config.attachments;
  return std::any_of(attachments.begin(), attachments.end(),
                     [&](const AttachmentConfig& one) { return one.network == network; });
}

}  // namespace

bool matches(const std::vector<LabelFilter>& filters, const Labels& labels) {
  return std::all_of(filters.begin(), filters.end(), [&](const LabelFilter& filter) {
    auto found = labels.find(filter.name);
    bool has = found != labels.end() && (!filter.value || *filter.value == found->second);
    return has == filter.wanted;
  });
}

Plan plan_prune(const std::string& project, const Observed& observed, const PruneOptions& options) {
  Plan plan;
  std::set<const Container*> going;
  std::vector<StepId> removals;
  for (const Container& container : observed.containers) {
    const ContainerRecord& record = container.record;
    if (!options.containers || record.project != project || is_up(container)) continue;
    if (!old_enough(record.created_ns, options) || !matches(options.labels, record.labels)) continue;
    going.insert(&container);
    removals.push_back(plan.add(RemoveContainer{{record.name, record.id}, false}, "prune"));
  }
  for (const NetworkRecord& network : observed.networks) {
    if (!options.networks || network.project != project || is_predefined(network.config.name)) continue;
    if (!old_enough(network.created_ns, options) || !matches(options.labels, network.config.labels)) continue;
    bool used = std::any_of(observed.containers.begin(), observed.containers.end(), [&](const Container& container) {
      return !going.contains(&container) && attached(container, network.config.name);
    });
    if (!used) plan.add(RemoveNetwork{network.config.name, std::nullopt}, "prune", removals);
  }
  return plan;
}

}  // namespace berth::engine
