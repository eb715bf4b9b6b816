#include "engine/observed_stack.h"

#include <fmt/core.h>

#include <algorithm>
#include <tuple>

#include "base/text.h"
#include "engine/joins.h"
#include "engine/record.h"

namespace berth::engine {

std::vector<const Container*> replicas_there(const Stack& stack, const Observed& observed, const std::string& service) {
  std::vector<const Container*> found;
  for (const Container& container : observed.containers) {
    const ContainerRecord& r = container.record;
    if (r.project == stack.project && r.service == service && !r.one_off) found.push_back(&container);
  }
  // Two of one number are left by a recreation that was cut off: the newer one stays.
  std::sort(found.begin(), found.end(), [](auto* a, auto* b) {
    return std::tie(a->record.number, b->record.created_ns, a->record.id) <
           std::tie(b->record.number, a->record.created_ns, b->record.id);
  });
  return found;
}

std::optional<Error> name_clash(const Stack& stack, const Observed& observed, const CreateContainer& action,
                                const std::string& place) {
  for (const Container& container : observed.containers) {
    const ContainerRecord& r = container.record;
    bool own = r.project == stack.project && r.service == action.service && r.pre_start == action.pre_start &&
               (!r.one_off || r.pre_start) && !action.one_off;
    if (r.name != action.container.name || own) continue;
    Error error = name_in_use(r);
    if (!place.empty()) error.context.push_back(place);
    return error;
  }
  return std::nullopt;
}

std::optional<ContainerRef> lender_there(const Stack& stack, const Observed& observed, const std::string& lender) {
  constexpr size_t kShortId = 12;
  const std::string name = lender.substr(lender.find(':') + 1);
  if (lender.starts_with("service:")) {
    std::vector<const Container*> replicas = replicas_there(stack, observed, name);
    if (replicas.empty()) return std::nullopt;
    return ContainerRef{replicas.front()->record.name, replicas.front()->record.id};
  }
  for (const Container& container : observed.containers) {
    const ContainerRecord& r = container.record;
    bool meant = r.name == name || (name.size() >= kShortId && r.id.starts_with(name));
    if (meant) return ContainerRef{r.name, r.id};
  }
  return std::nullopt;
}

bool lends_from(const ContainerRecord& record, const ServiceConfig& service,
                const std::map<std::string, ContainerRef>& lenders) {
  std::vector<std::string> wanted = lenders_of(service.container), there = lenders_of(record.config);
  return std::equal(wanted.begin(), wanted.end(), there.begin(), there.end(),
                    [&](const std::string& name, const std::string& recorded) {
                      auto lender = lenders.find(name);
                      return lender != lenders.end() && !lender->second.id.empty() &&
                             recorded == "container:" + lender->second.id;
                    });
}

std::vector<const Container*> orphans_of(const Stack& stack, const Observed& observed, const UpOptions& options) {
  std::set<std::string> known = options.other_services;
  for (const ServiceConfig& service : stack.services) known.insert(service.name);
  std::vector<const Container*> orphans;
  for (const Container& container : observed.containers) {
    const ContainerRecord& r = container.record;
    if (r.project == stack.project && !r.one_off && !known.contains(r.service)) orphans.push_back(&container);
  }
  std::sort(orphans.begin(), orphans.end(), [](auto* a, auto* b) {
    return std::tie(a->record.name, a->record.id) < std::tie(b->record.name, b->record.id);
  });
  return orphans;
}

std::string orphan_warning(const std::vector<const Container*>& orphans) {
  std::vector<std::string> names;
  for (const Container* orphan : orphans) names.push_back(orphan->record.name);
  return fmt::format(
      "Found orphan containers ({}) for this project. If you removed or renamed this service in your compose file, you "
      "can run this command with the --remove-orphans flag to clean it up.",
      join(names, ", "));
}

std::string bound_to(const Stack& stack, const std::string& service) {
  for (const ServiceConfig& other : stack.services) {
    std::vector<std::string> lenders = lenders_of(other.container);
    if (std::find(lenders.begin(), lenders.end(), "service:" + service) != lenders.end()) return other.name;
    for (const DependencyConfig& dependency : other.depends_on) {
      if (dependency.service == service && dependency.restart) return other.name;
    }
  }
  return "";
}

std::string disabled_running(const Stack& stack, const Observed& observed, const UpOptions& options) {
  std::vector<std::string> running;
  for (const Container& container : observed.containers) {
    const ContainerRecord& r = container.record;
    auto profile = options.disabled.find(r.service);
    bool meant = r.project == stack.project && !r.one_off && profile != options.disabled.end();
    if (meant && container.live.alive()) running.push_back(fmt::format("{} (--profile {})", r.name, profile->second));
  }
  if (running.empty()) return "";
  std::sort(running.begin(), running.end());
  return "Containers of services that are not enabled run on: " + join(running, ", ");
}

}  // namespace berth::engine
