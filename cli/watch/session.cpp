#include "cli/watch/session.h"

#include <poll.h>

#include <algorithm>
#include <chrono>

#include "cli/project.h"
#include "cli/signals.h"
#include "cli/watch/actions.h"
#include "watch/tree_watch.h"

namespace berth::cli {
namespace {

using Clock = std::chrono::steady_clock;

/// An editor that saves, or a branch that is switched, is one change: it is over when nothing comes for so long, or
/// when it has lasted so long.
constexpr std::chrono::milliseconds kQuietTime{50}, kLongestBurst{1000};

/// Waits until files have changed and are quiet again. False after a signal.
bool wait_for_burst(const Context& context, watch::TreeWatch& tree, const Signals& signals) {
  Clock::time_point begun, last;
  bool pending = false;
  for (;;) {
    std::chrono::milliseconds left{-1};
    if (pending) {
      left = std::chrono::ceil<std::chrono::milliseconds>(std::min(last + kQuietTime, begun + kLongestBurst) -
                                                          Clock::now());
      if (left.count() <= 0) return true;
    }
    pollfd fds[] = {{tree.fd().get(), POLLIN, 0}, {signals.fd().get(), POLLIN, 0}};
    poll(fds, 2, static_cast<int>(left.count()));
    if (signals.take() != 0) return false;
    if (fds[0].revents == 0) continue;
    tree.pump();
    for (const Error& trouble : tree.take_troubles()) print_error(context, trouble);
    if (!tree.pending()) continue;
    last = Clock::now();
    if (!pending) begun = last;
    pending = true;
  }
}

/// What `initial_sync` asks for: everything that its rules copy.
watch::Work initial_work(const WatchRules& rules, const watch::TreeWatch& tree) {
  watch::Work work;
  for (size_t i = 0; i < rules.rules.size(); ++i) {
    const watch::Rule& rule = rules.rules[i];
    if (!watch::copies(rule.action) || !rules.written[i].initial_sync.value_or(false)) continue;
    watch::Rule copying = rule;
    copying.action = watch::Action::sync;
    watch::Work one = watch::work_for({std::move(copying)}, tree.all_below(rule.path));
    for (auto& [service, copies] : one.copies) work.copies[service].merge(copies);
  }
  return work;
}

}  // namespace

int watch_until_signal(const Context& context, const compose::Project& project, const WatchRules& rules,
                       const WatchOptions& options) {
  Signals signals;
  std::vector<std::string> roots;
  for (const watch::Rule& rule : rules.rules) roots.push_back(rule.path);
  std::sort(roots.begin(), roots.end());
  roots.erase(std::unique(roots.begin(), roots.end()), roots.end());
  auto enters = [&](const std::string& directory) {
    return std::any_of(rules.rules.begin(), rules.rules.end(),
                       [&](const watch::Rule& rule) { return rule.enters(directory); });
  };
  Result<watch::TreeWatch> tree = watch::TreeWatch::start(std::move(roots), enters);
  if (!tree) return report(context, tree.error());
  for (const Error& trouble : tree->take_troubles()) print_error(context, trouble);
  WatchActions actions(context, project, rules, options, signals);
  actions.carry_out(initial_work(rules, *tree));
  if (!actions.stopped()) tell("Watch enabled");
  while (!actions.stopped() && wait_for_burst(context, *tree, signals)) {
    const watch::Work work = watch::work_for(rules.rules, tree->take());
    actions.carry_out(work);
  }
  tell("Watch disabled");
  return 130;
}

}  // namespace berth::cli
