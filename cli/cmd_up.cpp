#include <fmt/core.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "base/clock.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/log_follower.h"
#include "cli/project.h"
#include "cli/request.h"
#include "cli/up_flags.h"
#include "engine/request.h"

namespace berth::cli {
namespace {

struct UpFlags {
  ConvergeFlags converge;
  std::vector<std::string> attach, no_attach;
  bool detach = false, attach_dependencies = false;
  bool wait = false, no_color = false, no_prefix = false, timestamps = false, abort_on_exit = false,
       abort_on_failure = false;
  int64_t wait_timeout = 0;
  std::string exit_code_from;
};

/// Services whose output is shown: those that are named, or all, but for what the flags say.
Status choose_attached(const UpFlags& flags, engine::Stack& stack) {
  std::vector<std::string> known;
  for (const engine::ServiceConfig& service : stack.services) known.push_back(service.name);
  auto is_in = [](const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  for (const std::vector<std::string>* names : {&flags.attach, &flags.no_attach}) {
    for (const std::string& name : *names) {
      if (!is_in(known, name)) return no_such_service(name, known);
    }
  }
  const std::vector<std::string>& named = flags.converge.services;
  for (engine::ServiceConfig& service : stack.services) {
    bool chosen = flags.attach.empty() ? named.empty() || flags.attach_dependencies || is_in(named, service.name)
                                       : is_in(flags.attach, service.name);
    service.attach = service.attach && chosen && !is_in(flags.no_attach, service.name);
  }
  if (!flags.exit_code_from.empty() && !is_in(known, flags.exit_code_from))
    return no_such_service(flags.exit_code_from, known);
  return {};
}

/// Attached: logs until everything has ended, or a signal: the first one stops, the second one kills.
class Attached {
 public:
  Attached(const Context& context, const UpFlags& flags, const engine::UpRequest& request)
      : context_(context), flags_(flags), request_(request), printer_(style()), follower_(make_follower()) {}

  int run() {
    Watch logs{follower_.fd(), [this] { follower_.pump(); }};
    Outcome up = carry_out(context_, engine::to_message(request_), signals_, logs);
    follower_.pump();
    if (!up.ok) return up.exit_code();
    if (up.cancelled) return stop_everything(130);  // too late to cancel: all had been started by then
    fmt::print(stderr, "Attaching to {}\n", names());
    while (!follower_.all_ended() && !aborting()) {
      pollfd fds[] = {{follower_.fd().get(), POLLIN, 0}, {signals_.fd().get(), POLLIN, 0}};
      poll(fds, 2, -1);
      follower_.pump();
      if (signals_.take() != 0) return stop_everything(130);
    }
    if (aborting() && !follower_.all_ended()) return stop_everything(exit_code());
    return exit_code();
  }

 private:
  [[nodiscard]] LogStyle style() const {
    LogStyle style;
    style.prefix = !flags_.no_prefix;
    style.timestamps = flags_.timestamps;
    style.colour = !flags_.no_color && context_.colour(STDOUT_FILENO);
    style.split_streams = true;
    return style;
  }

  LogFollower make_follower() {
    engine::Selection selection{request_.stack.project, {}, false};
    std::set<std::string> muted;
    for (const engine::ServiceConfig& service : request_.stack.services) {
      selection.services.insert(service.name);
      if (!service.attach) muted.insert(service.name);
    }
    LogFollower follower(engine::StateStore(context_.paths), std::move(selection), printer_,
                         {.since_ns = wall_clock_ns()});
    follower.mute(std::move(muted));
    return follower;
  }

  [[nodiscard]] std::string names() const {
    engine::Selection attached{request_.stack.project, {}, false};
    for (const engine::ServiceConfig& service : request_.stack.services) {
      if (service.attach) attached.services.insert(service.name);
    }
    std::vector<std::string> list;
    const engine::Observed observed = engine::StateStore(context_.paths).observe();
    if (!attached.services.empty()) {
      for (const engine::Container* container : engine::select(observed, attached))
        list.push_back(log_name(container->record));
    }
    return join(list, ", ");
  }

  [[nodiscard]] bool aborting() const {
    if (flags_.abort_on_exit) return !follower_.ended().empty();
    return flags_.abort_on_failure && exit_code() != 0;
  }

  /// 0 when all ended by themselves, whatever their codes; with the abort flags the code they name.
  [[nodiscard]] int exit_code() const {
    for (const LogFollower::Ended& ended : follower_.ended()) {
      if (!flags_.exit_code_from.empty() && ended.service != flags_.exit_code_from) continue;
      if (flags_.abort_on_exit || (flags_.abort_on_failure && ended.exit_code != 0))
        return static_cast<int>(ended.exit_code);
    }
    return 0;
  }

  int stop_everything(int code) {
    fmt::print(stderr, "Gracefully stopping... (press Ctrl+C again to force)\n");
    engine::Selection selection{request_.stack.project, {}, false};
    for (const engine::ServiceConfig& service : request_.stack.services) selection.services.insert(service.name);
    engine::StopRequest stop{selection, request_.options.stop_timeout_ns};
    // Its first signal is our second: not "cancel", but "kill".
    Watch logs{follower_.fd(), [this] { follower_.pump(); }};
    Outcome outcome = carry_out(context_, engine::to_message(stop), signals_, logs, [&] {
      return engine::to_message(engine::KillRequest{selection, SIGKILL});
    });
    follower_.pump();
    if (!flags_.exit_code_from.empty() && code != 130) return exit_code();
    return outcome.ok ? code : 1;
  }

  const Context& context_;
  const UpFlags& flags_;
  const engine::UpRequest& request_;
  Signals signals_;
  LogPrinter printer_;
  LogFollower follower_;
};

Status check_combinations(const UpFlags& flags) {
  if (flags.abort_on_exit && flags.abort_on_failure)
    return make_error(
        "--abort-on-container-failure cannot be combined with --abort-on-container-exit or --exit-code-from");
  bool aborts = flags.abort_on_exit || flags.abort_on_failure;
  if (aborts && (flags.detach || flags.wait)) {
    return make_error(std::string(flags.detach ? "--detach" : "--wait") +
                      " cannot be combined with --abort-on-container-exit, --abort-on-container-failure or "
                      "--exit-code-from, for which the command has to stay");
  }
  return {};
}

int run(const Context& context, UpFlags flags) {
  if (!flags.exit_code_from.empty()) flags.abort_on_exit = true;
  if (Status combined = check_combinations(flags); !combined) {
    print_error(context, combined.error());
    return 1;
  }
  int code = 1;
  std::vector<Errand> errands;
  std::optional<engine::UpRequest> request = prepare_up(context, flags.converge, errands, code);
  if (!request) return code;
  if (Status chosen = choose_attached(flags, request->stack); !chosen) return report(context, chosen);
  request->options.wait = flags.wait;
  if (flags.wait_timeout > 0) request->options.wait_timeout_ns = flags.wait_timeout * kSecondNs;
  if (context.dry_run) return dry_run(context, engine::to_message(*request), std::move(errands));
  if (flags.detach || flags.wait || flags.converge.no_start) return carry_out(context, engine::to_message(*request));
  return Attached(context, flags, *request).run();
}

}  // namespace

void add_up(Command app, Context& context) {
  auto flags = std::make_shared<UpFlags>();
  Command command = app.add_command("up", "Create and start containers");
  add_converge_flags(command, flags->converge);
  command.flag("-d,--detach", flags->detach, "Run containers in the background");
  command.flag("--wait", flags->wait, "Wait for services to be running or healthy; implies detached mode");
  command.option("--wait-timeout", flags->wait_timeout,
                 "Maximum seconds to wait for the project to be running or healthy");
  command.flag("--abort-on-container-exit", flags->abort_on_exit, "Stop all containers if any container was stopped");
  command.flag("--abort-on-container-failure", flags->abort_on_failure,
               "Stop all containers if any container exited with failure");
  command.option("--exit-code-from", flags->exit_code_from, "Return the exit code of the selected service container");
  command.option("--attach", flags->attach, "Restrict attaching to the specified services");
  command.option("--no-attach", flags->no_attach, "Do not attach (stream logs) to the specified services");
  command.flag("--attach-dependencies", flags->attach_dependencies,
               "Automatically attach to log output of dependent services");
  command.ignore_flag("--menu");  // there are no shortcuts to show
  command.flag("--no-color", flags->no_color, "Produce monochrome output");
  command.flag("--no-log-prefix", flags->no_prefix, "Don't print prefix in logs");
  command.flag("--timestamps", flags->timestamps, "Show timestamps");
  command.dry_runs(context);
  command.runs(context, [&context, flags] { return run(context, *flags); });
}

}  // namespace berth::cli
