#include "engine/plan_resources.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/text.h"
#include "engine/network_driver.h"
#include "engine/predefined_network.h"

namespace berth::engine {
namespace {

constexpr const char* kProjectLabel = "com.docker.compose.project";

bool runs(const Container& container) {
  return container.live.alive() || container.live.ending() || container.live.status == Status::restarting;
}

bool is_on(const ContainerRecord& record, const std::string& network) {
  const std::vector<AttachmentConfig>& attachments = record.config.attachments;
  return std::any_of(attachments.begin(), attachments.end(), [&](const auto& one) { return one.network == network; });
}

const VolumeConfig* volume_there(const Observed& observed, const std::string& name) {
  auto found = std::find_if(observed.volume_configs.begin(), observed.volume_configs.end(),
                            [&](const VolumeConfig& one) { return one.name == name; });
  return found == observed.volume_configs.end() ? nullptr : &*found;
}

bool belongs_to(const VolumeConfig& volume, const std::string& project) {
  auto label = volume.labels.find(kProjectLabel);
  return label != volume.labels.end() && label->second == project;
}

/// "network shop_back is declared as external, but does not exist", with its place.
Error missing_external(const char* kind, const std::string& project, const std::string& name,
                       const std::string& place) {
  if (project.empty())
    return make_error(fmt::format("{} {} not found", kind, name), fmt::format("`berth {} ls` lists them", kind));
  Error error = make_error(fmt::format("{} {} is declared as external, but does not exist", kind, name),
                           fmt::format("remove `external: true`, and the project makes its own {}", kind));
  if (!place.empty()) error.context.push_back(place);
  return error;
}

/// A network or volume that is made anew.
struct Anew {
  const char* kind;
  std::string name, place;
  Action remove, create;
  std::vector<Change> changes;
};

class ResourcePlanner {
 public:
  ResourcePlanner(const Stack& stack, const Observed& observed, const UpOptions& options, Plan& plan)
      : stack_(stack), observed_(observed), options_(options), plan_(plan) {}

  ResourceSteps plan() {
    for (const NetworkConfig& network : stack_.networks) plan_network(network);
    for (const VolumeConfig& volume : stack_.volumes) plan_volume(volume);
    return std::move(steps_);
  }

 private:
  void plan_network(const NetworkConfig& network) {
    if (!mode_of(network).empty() || is_predefined(network.name)) return;
    const NetworkRecord* there = observed_.network(network.name);
    if (there == nullptr) {
      if (network.external)
        plan_.problems.push_back(missing_external("network", stack_.project, network.name, network.place));
      else
        steps_.ready.push_back(plan_.add(CreateNetwork{network}, "missing"));
    } else if (!network.external && there->project != stack_.project) {
      warn_of_owner("network", network.name);
    } else if (!network.external) {
      std::vector<Change> changes = changes_between(there->config, network);
      if (changes.empty()) return;
      make_anew({"network", network.name, network.place, RemoveNetwork{network.name, there->config},
                 CreateNetwork{network}, std::move(changes)},
                [&](const ContainerRecord& record) { return is_on(record, network.name); });
    }
  }

  void plan_volume(const VolumeConfig& volume) {
    bool exists = std::find(observed_.volumes.begin(), observed_.volumes.end(), volume.name) != observed_.volumes.end();
    if (!exists) {
      if (volume.external)
        return plan_.problems.push_back(missing_external("volume", stack_.project, volume.name, volume.place));
      steps_.ready.push_back(plan_.add(CreateVolume{volume}, "missing"));
      steps_.made.insert(volume.name);
      return;
    }
    const VolumeConfig* there = volume_there(observed_, volume.name);
    if (volume.external || there == nullptr) return;
    if (stack_.project.empty()) return;  // whoever's it is, it is used as it is
    if (!belongs_to(*there, stack_.project)) return warn_of_owner("volume", volume.name);
    std::vector<Change> changes = changes_between(*there, volume);
    if (changes.empty()) return;
    if (!options_.recreate_volumes.contains(volume.name)) return warn_of_definition(volume, changes);
    make_anew({"volume", volume.name, volume.place, RemoveVolume{volume.name, *there}, CreateVolume{volume},
               std::move(changes)},
              [&](const ContainerRecord& record) { return mounts_volume(record, volume.name); });
  }

  void warn_of_owner(const char* kind, const std::string& name) {
    plan_.warnings.push_back(
        fmt::format("a {} with name {} exists but was not created for project \"{}\"; write `external: true` to use it",
                    kind, name, stack_.project));
  }

  void warn_of_definition(const VolumeConfig& volume, const std::vector<Change>& changes) {
    std::vector<std::string> texts;
    for (const Change& change : changes) texts.push_back(to_text(change));
    plan_.warnings.push_back(
        fmt::format("{}{}volume {} exists but is not as the file defines it ({}); it is used as "
                    "it is. `up -y` makes it anew, and its data are lost",
                    volume.place, volume.place.empty() ? "" : ": ", volume.name, join(texts, "; ")));
  }

  /// Stops what uses it, makes it anew, and starts again what is not in the stack.
  template <class Uses>
  void make_anew(Anew anew, const Uses& uses) {
    std::vector<const Container*> users;
    for (const Container& container : observed_.containers) {
      if (runs(container) && uses(container.record)) users.push_back(&container);
    }
    if (!only_our_own(anew, users)) return;
    const std::string why = fmt::format("{} {} has changed", anew.kind, anew.name);
    std::vector<StepId> stops;
    for (const Container* user : users) stops.push_back(stop(*user, why));
    StepId removed = plan_.add(std::move(anew.remove), "its definition has changed", stops);
    plan_.steps[removed].changes = std::move(anew.changes);
    StepId made = plan_.add(std::move(anew.create), "its definition has changed", {removed});
    steps_.ready.push_back(made);
    for (const Container* user : users) {
      if (in_stack(*user)) continue;
      plan_.add(StartContainer{{user->record.name, user->record.id}}, why, {made, stop(*user, why)});
    }
  }

  StepId stop(const Container& container, const std::string& why) {
    const std::string& id = container.record.id;
    if (auto found = steps_.stopped.find(id); found != steps_.stopped.end()) return found->second;
    return steps_.stopped[id] = plan_.add(StopContainer{{container.record.name, id}, options_.stop_timeout_ns}, why);
  }

  [[nodiscard]] bool in_stack(const Container& container) const {
    const std::string& service = container.record.service;
    return std::any_of(stack_.services.begin(), stack_.services.end(),
                       [&](const auto& s) { return s.name == service; });
  }

  bool only_our_own(const Anew& anew, const std::vector<const Container*>& users) {
    std::vector<std::string> others;
    for (const Container* user : users) {
      if (user->record.project != stack_.project || user->record.one_off) others.push_back(user->record.name);
    }
    if (others.empty()) return true;
    Error error = make_error(fmt::format("{} {} has another definition now, but is still in use by {}", anew.kind,
                                         anew.name, join(others, ", ")),
                             "disconnect or stop what uses it: only the project's own containers are taken from it");
    if (!anew.place.empty()) error.context.push_back(anew.place);
    plan_.problems.push_back(std::move(error));
    return false;
  }

  const Stack& stack_;
  const Observed& observed_;
  const UpOptions& options_;
  Plan& plan_;
  ResourceSteps steps_;
};

}  // namespace

std::vector<const VolumeConfig*> diverged_volumes(const Stack& stack, const Observed& observed) {
  std::vector<const VolumeConfig*> diverged;
  for (const VolumeConfig& volume : stack.volumes) {
    const VolumeConfig* there = volume_there(observed, volume.name);
    if (volume.external || there == nullptr || !belongs_to(*there, stack.project)) continue;
    if (!changes_between(*there, volume).empty()) diverged.push_back(&volume);
  }
  return diverged;
}

ResourceSteps plan_resources(const Stack& stack, const Observed& observed, const UpOptions& options, Plan& plan) {
  return ResourcePlanner(stack, observed, options, plan).plan();
}

}  // namespace berth::engine
