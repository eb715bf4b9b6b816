#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/diagnostics.h"
#include "compose/model.h"

namespace berth::compose {

/// Which enabled service waits for which, implicit dependencies included (links, volumes_from, and the namespaces of
/// `network_mode`, `ipc`, `pid: service:x`). Edges to services that are not enabled are left out.
class StartGraph {
 public:
  struct Edge {
    Condition condition = Condition::service_started;
    bool required = true;
    bool restart = false;   // an explicit restart or recreation of the dependency restarts this service
    bool implicit = false;  // nobody wrote depends_on
    SourceSpan span;
  };
  using Edges = std::map<std::string, Edge>;  // by the service depended on

  explicit StartGraph(const Project& project);

  /// What `service` waits for; empty for a name that is not there.
  [[nodiscard]] const Edges& dependencies(const std::string& service) const;
  /// Who waits for `service`, sorted.
  [[nodiscard]] const std::vector<std::string>& dependents(const std::string& service) const;

  /// {"a", "b", "a"} where a waits for b and b for a; empty if there is no cycle. The first in alphabetical order.
  [[nodiscard]] const std::vector<std::string>& cycle() const { return cycle_; }

  /// Services of one layer may start side by side once all layers before are there. Sorted in itself.
  /// Requires: no cycle.
  [[nodiscard]] std::vector<std::vector<std::string>> layers() const;
  /// All services, each after everything it depends on. Requires: no cycle.
  [[nodiscard]] std::vector<std::string> start_order() const;
  /// The reverse: each before everything it depends on.
  [[nodiscard]] std::vector<std::string> stop_order() const;

 private:
  void find_cycle();

  std::map<std::string, Edges> edges_;
  std::map<std::string, std::vector<std::string>> dependents_;
  std::vector<std::string> cycle_;
};

/// The edges of one service as written and as implied, to any name, enabled or not.
[[nodiscard]] StartGraph::Edges edges_of(const Service& service);

/// The service in "service:x" of network_mode, ipc and pid; "" for anything else.
[[nodiscard]] std::string service_reference(const std::optional<std::string>& mode);

}  // namespace berth::compose
