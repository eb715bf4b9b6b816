#include "compose/graph.h"

#include <algorithm>
#include <set>

#include "base/check.h"

namespace berth::compose {
namespace {

constexpr std::string_view kServicePrefix = "service:";

void imply(StartGraph::Edges& edges, const std::string& name, bool restart, const SourceSpan& span) {
  if (name.empty()) return;
  StartGraph::Edge edge;
  edge.restart = restart;
  edge.implicit = true;
  edge.span = span;
  edges.try_emplace(name, edge);  // what is written wins
}

/// Depth-first search for a way back; `path` holds the services being visited.
class CycleSearch {
 public:
  explicit CycleSearch(const std::map<std::string, StartGraph::Edges>& edges) : edges_(edges) {}

  std::vector<std::string> run() {
    for (const auto& [name, unused] : edges_) {
      if (!done_.contains(name) && visit(name)) return cycle_;
    }
    return {};
  }

 private:
  struct Step {
    const std::string* name;
    StartGraph::Edges::const_iterator next;
  };

  // A loop of its own instead of recursion: a chain of services may be as long as a file.
  bool visit(const std::string& start) {
    std::vector<Step> path;
    enter(path, start);
    while (!path.empty()) {
      Step& top = path.back();
      if (top.next == edges_.at(*top.name).end()) {
        open_.erase(*top.name);
        done_.insert(*top.name);
        path.pop_back();
        continue;
      }
      const std::string& next = (top.next++)->first;
      if (open_.contains(next)) return remember(path, next);
      if (!done_.contains(next)) enter(path, next);
    }
    return false;
  }

  void enter(std::vector<Step>& path, const std::string& name) {
    auto node = edges_.find(name);
    path.push_back({&node->first, node->second.begin()});
    open_.insert(name);
  }

  bool remember(const std::vector<Step>& path, const std::string& back_to) {
    auto begin = std::find_if(path.begin(), path.end(), [&](const Step& step) { return *step.name == back_to; });
    for (auto step = begin; step != path.end(); ++step) cycle_.push_back(*step->name);
    cycle_.push_back(back_to);
    return true;
  }

  const std::map<std::string, StartGraph::Edges>& edges_;
  std::set<std::string> open_, done_;
  std::vector<std::string> cycle_;
};

}  // namespace

std::string service_reference(const std::optional<std::string>& mode) {
  if (!mode || !mode->starts_with(kServicePrefix)) return {};
  return mode->substr(kServicePrefix.size());
}

StartGraph::Edges edges_of(const Service& service) {
  StartGraph::Edges edges;
  for (const auto& [name, dependency] : service.depends_on) {
    edges[name] = {dependency.condition, dependency.required, dependency.restart, false, dependency.span};
  }
  for (const std::string& link : service.links)
    imply(edges, link.substr(0, link.find(':')), true, service.place("links"));
  imply(edges, service_reference(service.network_mode), true, service.place("network_mode"));
  imply(edges, service_reference(service.ipc), true, service.place("ipc"));
  imply(edges, service_reference(service.pid), true, service.place("pid"));
  for (const std::string& from : service.volumes_from) {
    if (!from.starts_with("container:"))
      imply(edges, from.substr(0, from.find(':')), false, service.place("volumes_from"));
  }
  return edges;
}

StartGraph::StartGraph(const Project& project) {
  for (const auto& [name, service] : project.services) {
    Edges edges = edges_of(service);
    std::erase_if(edges, [&](const auto& edge) { return !project.services.contains(edge.first); });
    for (const auto& [dependency, unused] : edges) dependents_[dependency].push_back(name);
    edges_.emplace(name, std::move(edges));
    dependents_[name];
  }
  find_cycle();
}

void StartGraph::find_cycle() {
  cycle_ = CycleSearch(edges_).run();
}

const StartGraph::Edges& StartGraph::dependencies(const std::string& service) const {
  static const Edges kNone;
  auto found = edges_.find(service);
  return found == edges_.end() ? kNone : found->second;
}

const std::vector<std::string>& StartGraph::dependents(const std::string& service) const {
  static const std::vector<std::string> kNone;
  auto found = dependents_.find(service);
  return found == dependents_.end() ? kNone : found->second;
}

std::vector<std::vector<std::string>> StartGraph::layers() const {
  BERTH_CHECK(cycle_.empty());
  std::map<std::string, size_t> waiting;
  std::vector<std::string> ready;
  for (const auto& [name, edges] : edges_) {
    waiting[name] = edges.size();
    if (edges.empty()) ready.push_back(name);
  }
  std::vector<std::vector<std::string>> layers;
  while (!ready.empty()) {
    std::vector<std::string> next;
    for (const std::string& name : ready) {
      for (const std::string& dependent : dependents(name)) {
        if (--waiting[dependent] == 0) next.push_back(dependent);
      }
    }
    std::sort(next.begin(), next.end());
    layers.push_back(std::move(ready));
    ready = std::move(next);
  }
  return layers;
}

std::vector<std::string> StartGraph::start_order() const {
  std::vector<std::string> order;
  for (std::vector<std::string>& layer : layers()) order.insert(order.end(), layer.begin(), layer.end());
  return order;
}

std::vector<std::string> StartGraph::stop_order() const {
  std::vector<std::string> order = start_order();
  std::reverse(order.begin(), order.end());
  return order;
}

}  // namespace berth::compose
