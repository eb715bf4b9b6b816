// start, stop, restart, pause, unpause, kill and rm: commands that work on existing containers, alike but for the
// request.

#include <fmt/core.h>
#include <signal.h>

#include <algorithm>
#include <functional>
#include <iostream>
#include <memory>

#include "cli/commands.h"
#include "cli/orphans.h"
#include "cli/project.h"
#include "cli/provider/providers.h"
#include "cli/request.h"
#include "engine/request.h"
#include "sys/signals.h"

namespace berth::cli {
namespace {

/// Without names a command is about the services that the file knows; what others have left is spared.
void spare_orphans(engine::Selection& selection, const Target& target, const std::vector<std::string>& services) {
  if (target.file && services.empty()) selection.services = known_services(*target.file);
}

using MakeRequest =
    std::function<std::optional<engine::Json>(const engine::Selection&, const std::vector<const engine::Container*>&)>;

/// What is left to do when the request has been carried out.
using Afterwards = std::function<int(const engine::Selection&, const Target&)>;

int run(const Context& context, const std::vector<std::string>& services, const MakeRequest& make,
        const Afterwards& afterwards) {
  std::optional<Target> target = find_target(context);
  if (!target) return 1;
  std::optional<engine::Selection> selection = select(context, *target, services);
  if (!selection) return 1;
  spare_orphans(*selection, *target, services);
  engine::Observed observed = engine::StateStore(context.paths).observe();
  std::optional<engine::Json> request = make(*selection, engine::select(observed, *selection));
  if (!request) return 1;
  const int code = carry_out(context, *request);
  return code == 0 && afterwards && !context.dry_run ? afterwards(*selection, *target) : code;
}

std::optional<int64_t> in_ns(int64_t seconds) {
  return seconds < 0 ? std::nullopt : std::optional<int64_t>(seconds * 1'000'000'000);
}

/// Spelt out, because an optional of a JSON value could also be a JSON value of an optional.
template <class Request>
std::optional<engine::Json> ask(const Request& request) {
  return std::optional<engine::Json>(std::in_place, engine::to_message(request));
}

Command add(Command app, Context& context, const std::string& name, const std::string& help, MakeRequest make,
            Afterwards afterwards = {}) {
  auto services = std::make_shared<std::vector<std::string>>();
  Command command = app.add_command(name, help);
  command.option("SERVICE", *services, "Services; all if none is named");
  command.dry_runs(context);
  command.runs(context, [&context, services, make = std::move(make), afterwards = std::move(afterwards)] {
    return run(context, *services, make, afterwards);
  });
  return command;
}

struct KillFlags {
  std::vector<std::string> services;
  std::string signal = "SIGKILL";
  bool remove_orphans = false;
};

/// Containers whose services the file does not know.
engine::Selection orphans_among(const std::vector<const engine::Container*>& containers, const Target& target) {
  engine::Selection orphans;
  const std::set<std::string> known = target.file ? known_services(*target.file) : std::set<std::string>();
  for (const engine::Container* container : containers) {
    if (target.file && !known.contains(container->record.service)) orphans.containers.insert(container->record.id);
  }
  return orphans;
}

int kill(const Context& context, const KillFlags& flags) {
  std::optional<int> number = sys::parse_signal(flags.signal);
  if (!number) return report(context, make_error("there is no signal \"" + flags.signal + "\""));
  std::optional<Target> target = find_target(context);
  if (!target) return 1;
  Result<Orphans> policy = Orphans::of(flags.remove_orphans, environment_of(*target));
  if (!policy) return report(context, policy.error());
  std::optional<engine::Selection> selection = select(context, *target, flags.services);
  if (!selection) return 1;
  if (!policy->remove) spare_orphans(*selection, *target, flags.services);
  const engine::Observed observed = engine::StateStore(context.paths).observe();
  const std::vector<const engine::Container*> containers = engine::select(observed, *selection);
  const bool alive = std::any_of(containers.begin(), containers.end(), [](auto* c) { return c->live.alive(); });
  const engine::Selection orphans = policy->remove ? orphans_among(containers, *target) : engine::Selection();
  if (!alive && orphans.containers.empty())
    return report(context, make_error("no container of project " + selection->project + " is running"));
  const int code = alive ? carry_out(context, engine::to_message(engine::KillRequest{*selection, *number})) : 0;
  if (code != 0 || orphans.containers.empty()) return code;
  return carry_out(context, engine::to_message(engine::RemoveRequest{orphans, {true, false, 0}}));
}

}  // namespace

void add_stop(Command app, Context& context) {
  auto timeout = std::make_shared<int64_t>(-1);
  auto make = [timeout](auto& selection, auto&) -> std::optional<engine::Json> {
    return ask(engine::StopRequest{selection, in_ns(*timeout)});
  };
  Command command =
      add(app, context, "stop", "Stop services", std::move(make), [&context](auto& selection, auto& target) {
        Signals signals;
        return stop_providers(context, selection, environment_of(target), signals);
      });
  command.option("-t,--timeout", *timeout, "Seconds to wait for containers to stop before killing them");
}

void add_start(Command app, Context& context) {
  auto wait = std::make_shared<bool>(false);
  auto wait_timeout = std::make_shared<int64_t>(0);
  Command command =
      add(app, context, "start", "Start services",
          [&context, wait, wait_timeout](auto& selection, auto& containers) -> std::optional<engine::Json> {
            if (containers.empty()) {
              print_error(context, make_error("project " + selection.project + " has no containers to start",
                                              "use `berth up` to create them"));
              return std::nullopt;
            }
            std::optional<int64_t> timeout_ns = *wait_timeout > 0 ? in_ns(*wait_timeout) : std::nullopt;
            return ask(engine::StartRequest{selection, {*wait, timeout_ns}});
          });
  command.flag("--wait", *wait, "Wait for services to be running or healthy");
  command.option("--wait-timeout", *wait_timeout, "Maximum seconds to wait for the project to be running or healthy");
}

void add_restart(Command app, Context& context) {
  auto timeout = std::make_shared<int64_t>(-1);
  auto no_deps = std::make_shared<bool>(false);
  Command command = add(app, context, "restart", "Restart service containers",
                        [timeout, no_deps](auto& selection, auto&) -> std::optional<engine::Json> {
                          return ask(engine::RestartRequest{selection, in_ns(*timeout), !*no_deps});
                        });
  command.option("-t,--timeout", *timeout, "Seconds to wait for containers to stop before killing them");
  command.flag("--no-deps", *no_deps, "Don't restart dependent services");
}

void add_pause(Command app, Context& context) {
  add(app, context, "pause", "Pause services",
      [](auto& selection, auto&) -> std::optional<engine::Json> { return ask(engine::PauseRequest{selection}); });
}

void add_unpause(Command app, Context& context) {
  add(app, context, "unpause", "Unpause services",
      [](auto& selection, auto&) -> std::optional<engine::Json> { return ask(engine::UnpauseRequest{selection}); });
}

void add_kill(Command app, Context& context) {
  auto flags = std::make_shared<KillFlags>();
  Command command = app.add_command("kill", "Force stop service containers");
  command.option("SERVICE", flags->services, "Services; all if none is named");
  command.option("-s,--signal", flags->signal, "SIGNAL to send to the container");
  command.flag("--remove-orphans", flags->remove_orphans,
               "Remove containers for services not defined in the compose file");
  command.dry_runs(context);
  command.runs(context, [&context, flags] { return kill(context, *flags); });
}

void add_rm(Command app, Context& context) {
  struct LifecycleFlags {
    bool force = false, stop = false, volumes = false, all = false;
  };
  auto flags = std::make_shared<LifecycleFlags>();
  auto make = [flags, &context](auto& selection, auto& containers) -> std::optional<engine::Json> {
    std::string names;
    for (const engine::Container* container : containers) {
      if (flags->stop || !container->live.alive()) names += (names.empty() ? "" : ", ") + container->record.name;
    }
    if (names.empty()) {
      fmt::print(stderr, "No stopped containers\n");
    } else if (!flags->force && !context.dry_run) {
      fmt::print(stderr, "Going to remove {}\nAre you sure? [yN] ", names);
      std::string answer;
      std::getline(std::cin, answer);
      if (answer != "y" && answer != "Y" && answer != "yes") return std::nullopt;
    }
    return ask(engine::RemoveRequest{selection, {flags->stop, flags->volumes, std::nullopt}});
  };
  Command command = add(app, context, "rm", "Remove stopped service containers", std::move(make));
  command.flag("-f,--force", flags->force, "Don't ask to confirm removal");
  command.flag("-s,--stop", flags->stop, "Stop the containers, if required, before removing");
  command.flag("-v,--volumes", flags->volumes, "Remove any anonymous volumes attached to containers");
  command.flag("-a,--all", flags->all).hidden();  // deprecated, without effect
}

}  // namespace berth::cli
