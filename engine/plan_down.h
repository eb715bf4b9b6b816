#pragma once

#include <set>
#include <string>

#include "engine/plan.h"

namespace berth::engine {

/// Which containers a command is about: those of a project, or (Docker's commands) some of any project.
struct Selection {
  std::string project;             // empty: containers that belong to none
  std::set<std::string> services;  // empty = all
  bool include_one_off = false;
  /// Ids. Where there are any, these are meant and nothing above counts; each is for itself, whatever depends on it.
  std::set<std::string> containers;
};

/// This container alone.
[[nodiscard]] Selection only(const ContainerRecord& record);

[[nodiscard]] std::vector<const Container*> select(const Observed& observed, const Selection& selection);

struct DownOptions {
  bool volumes = false;         // declared and anonymous volumes, too
  bool remove_orphans = false;  // also what the file does not name any more
  std::optional<int64_t> stop_timeout_ns;
  /// Names from the compose file, where there is one. Without a file everything with the project's label counts as
  /// declared.
  std::optional<std::set<std::string>> services;
  StringMap disabled;  // services that no active profile enables: {service, a profile that would}
  std::vector<std::string> declared_volumes;  // real names, not external
};

/// Stops and removes containers in reverse order of their dependencies, then networks, and volumes if asked. What stays
/// is named in the plan's warnings, with the reason.
/// Needs no compose file: the order is in the containers' labels.
[[nodiscard]] Plan plan_down(const Selection& selection, const Observed& observed, const DownOptions& options);

[[nodiscard]] Plan plan_stop(const Selection& selection, const Observed& observed, std::optional<int64_t> timeout_ns);
[[nodiscard]] Plan plan_kill(const Selection& selection, const Observed& observed, int signal);
/// Freezes what runs, or lets it go on.
[[nodiscard]] Plan plan_pause(const Selection& selection, const Observed& observed);
[[nodiscard]] Plan plan_unpause(const Selection& selection, const Observed& observed);
struct StartOptions {
  bool wait = false;  // end only when everything is running or healthy
  std::optional<int64_t> wait_timeout_ns;
};
/// Starts what exists, in the order of dependencies and behind their gates.
[[nodiscard]] Plan plan_start(const Selection& selection, const Observed& observed, const StartOptions& options = {});
/// Stops and starts again, with `dependents` also those that ask for it by `depends_on.X.restart`; the configuration
/// stays as it is.
[[nodiscard]] Plan plan_restart(const Selection& selection, const Observed& observed, std::optional<int64_t> timeout_ns,
                                bool dependents = true);
struct RemoveOptions {
  bool stop = false;     // those that run, as well
  bool volumes = false;  // anonymous ones
  std::optional<int64_t> stop_timeout_ns;
};
/// Removes containers that do not run; with `stop` the running ones as well.
[[nodiscard]] Plan plan_remove(const Selection& selection, const Observed& observed, const RemoveOptions& options);
/// Problems: another container has that name.
[[nodiscard]] Plan plan_rename(const Selection& selection, const Observed& observed, const std::string& name);

}  // namespace berth::engine
