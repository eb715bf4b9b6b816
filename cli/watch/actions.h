#pragma once

#include <set>
#include <string>
#include <vector>

#include "cli/context.h"
#include "cli/signals.h"
#include "cli/watch/session.h"
#include "engine/state.h"
#include "watch/rule.h"

namespace berth::cli {

/// Does what rules ask for. Everything is told, nothing is returned: whoever watches goes on.
class WatchActions {
 public:
  WatchActions(const Context& context, const compose::Project& project, const WatchRules& rules,
               const WatchOptions& options, Signals& signals)
      : context_(context), project_(project), rules_(rules), options_(options), signals_(signals) {}

  void carry_out(const watch::Work& work);
  /// A signal came meanwhile.
  [[nodiscard]] bool stopped() const { return stopped_; }

 private:
  void rebuild(const std::set<std::string>& services);
  [[nodiscard]] bool build(const std::vector<std::string>& services);
  [[nodiscard]] bool recreate(const std::vector<std::string>& services);
  void remove_dangling_images();
  void sync(const std::string& service, const watch::Copies& copies);
  void restart(const std::set<std::string>& services);
  void run_command(const watch::Rule& rule, const compose::Hook& hook);
  [[nodiscard]] std::vector<engine::Container> containers_of(const std::set<std::string>& services) const;

  const Context& context_;
  const compose::Project& project_;
  const WatchRules& rules_;
  const WatchOptions& options_;
  Signals& signals_;
  bool stopped_ = false;
};

/// A line on stdout, at once.
void tell(const std::string& text);

}  // namespace berth::cli
