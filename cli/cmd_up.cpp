#include <fmt/core.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "base/clock.h"
#include "base/text.h"
#include "cli/bring_images.h"
#include "cli/commands.h"
#include "cli/log_follower.h"
#include "cli/project.h"
#include "cli/request.h"
#include "engine/request.h"

namespace berth::cli {
namespace {

constexpr int64_t kSecondNs = 1'000'000'000;

struct Flags {
  std::vector<std::string> services, scale;
  bool detach = false, force_recreate = false, no_recreate = false, no_deps = false, no_start = false,
       remove_orphans = false;
  bool wait = false, no_color = false, no_prefix = false, timestamps = false, abort_on_exit = false,
       abort_on_failure = false;
  int64_t wait_timeout = 0, timeout = -1;
  std::string exit_code_from;
  BringFlags bring;
};

Result<engine::ServiceConfig*> find_service(engine::Stack& stack, const std::string& name) {
  std::vector<std::string> known;
  for (engine::ServiceConfig& service : stack.services) {
    if (service.name == name) return &service;
    known.push_back(service.name);
  }
  return no_such_service(name, known);
}

/// Reads `SERVICE=N` pairs into the stack.
Status apply_scale(const std::vector<std::string>& pairs, engine::Stack& stack) {
  for (const std::string& pair : pairs) {
    size_t equals = pair.find('=');
    std::string name = pair.substr(0, equals);
    std::optional<unsigned long long> count =
        equals == std::string::npos ? std::nullopt : parse_unsigned(std::string_view(pair).substr(equals + 1));
    if (!count) return make_error("--scale takes SERVICE=NUMBER, not \"" + pair + "\"");
    BERTH_TRY(engine::ServiceConfig * service, find_service(stack, name));
    if (*count > 1 && !service->container_name.empty()) {
      return make_error("service \"" + name + "\" has a container_name, so there can be only one of it");
    }
    service->replicas = static_cast<int64_t>(*count);
  }
  return {};
}

/// What flags say of single services.
Status apply_to_services(const Flags& flags, engine::Stack& stack) {
  BERTH_TRY_OK(apply_scale(flags.scale, stack));
  if (flags.exit_code_from.empty()) return {};
  BERTH_TRY_OK(find_service(stack, flags.exit_code_from));
  return {};
}

/// The project as the stack that this command wants, its images at hand. Prints what is wrong; `code` is then the
/// command's exit code.
std::optional<engine::UpRequest> prepare(const Context& context, const Flags& flags, int& code) {
  code = 1;
  std::optional<compose::Project> project = load_project(context, flags.services);
  if (!project) return std::nullopt;
  std::optional<engine::Stack> stack = make_stack(context, *project, flags.services, flags.no_deps);
  if (!stack) return std::nullopt;
  if (Status applied = apply_to_services(flags, *stack); !applied) {
    print_error(context, applied.error());
    return std::nullopt;
  }
  if (code = bring_images(context, *project, *stack, flags.bring); code != 0) return std::nullopt;
  engine::UpRequest request;
  request.stack = std::move(*stack);
  request.options.other_services = known_services(*project);
  if (flags.services.empty()) request.options.disabled = disabled_services(*project);
  request.options.force_recreate = flags.force_recreate;
  request.options.no_recreate = flags.no_recreate;
  request.options.no_start = flags.no_start;
  request.options.remove_orphans = flags.remove_orphans;
  request.options.wait = flags.wait;
  if (flags.wait_timeout > 0) request.options.wait_timeout_ns = flags.wait_timeout * kSecondNs;
  if (flags.timeout >= 0) request.options.stop_timeout_ns = flags.timeout * kSecondNs;
  return request;
}

/// Attached: logs until everything has ended, or a signal: the first one stops, the second one kills.
class Attached {
 public:
  Attached(const Context& context, const Flags& flags, const engine::UpRequest& request)
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
    std::vector<std::string> list;
    for (const engine::ServiceConfig& service : request_.stack.services) {
      for (int64_t n = 1; service.attach && n <= service.replicas; ++n)
        list.push_back(fmt::format("{}-{}", service.name, n));
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
  const Flags& flags_;
  const engine::UpRequest& request_;
  Signals signals_;
  LogPrinter printer_;
  LogFollower follower_;
};

Status check_combinations(const Flags& flags) {
  if (flags.abort_on_exit && flags.abort_on_failure)
    return make_error(
        "--abort-on-container-failure cannot be combined with --abort-on-container-exit or --exit-code-from");
  bool aborts = flags.abort_on_exit || flags.abort_on_failure;
  if (aborts && (flags.detach || flags.wait)) {
    return make_error(std::string(flags.detach ? "--detach" : "--wait") +
                      " cannot be combined with --abort-on-container-exit, --abort-on-container-failure or "
                      "--exit-code-from, for which the command has to stay");
  }
  if (flags.force_recreate && flags.no_recreate)
    return make_error("--force-recreate and --no-recreate are incompatible");
  return {};
}

int run(const Context& context, Flags flags) {
  if (!flags.exit_code_from.empty()) flags.abort_on_exit = true;
  if (Status combined = check_combinations(flags); !combined) {
    print_error(context, combined.error());
    return 1;
  }
  int code = 1;
  std::optional<engine::UpRequest> request = prepare(context, flags, code);
  if (!request) return code;
  if (flags.detach || flags.wait || flags.no_start) return carry_out(context, engine::to_message(*request));
  return Attached(context, flags, *request).run();
}

}  // namespace

void add_up(Command app, Context& context) {
  auto flags = std::make_shared<Flags>();
  Command command = app.add_command("up", "Create and start containers");
  command.option("SERVICE", flags->services, "Services to bring up with what they depend on; all if none is named");
  command.flag("-d,--detach", flags->detach, "Run containers in the background");
  command.flag("--force-recreate", flags->force_recreate, "Recreate containers even if nothing has changed");
  command.flag("--no-recreate", flags->no_recreate, "If containers already exist, don't recreate them");
  command.flag("--no-deps", flags->no_deps, "Don't start linked services");
  command.flag("--no-start", flags->no_start, "Don't start the services after creating them");
  command.flag("--remove-orphans", flags->remove_orphans,
               "Remove containers for services not defined in the compose file");
  command.option("--scale", flags->scale, "Scale SERVICE to NUM instances");
  command.option("-t,--timeout", flags->timeout, "Seconds to wait for containers to stop before killing them");
  command.flag("--wait", flags->wait, "Wait for services to be running or healthy; implies detached mode");
  command.option("--wait-timeout", flags->wait_timeout,
                 "Maximum seconds to wait for the project to be running or healthy");
  command.flag("--abort-on-container-exit", flags->abort_on_exit, "Stop all containers if any container was stopped");
  command.flag("--abort-on-container-failure", flags->abort_on_failure,
               "Stop all containers if any container exited with failure");
  command.option("--exit-code-from", flags->exit_code_from, "Return the exit code of the selected service container");
  add_bring_flags(command, flags->bring);
  command.flag("--no-color", flags->no_color, "Produce monochrome output");
  command.flag("--no-log-prefix", flags->no_prefix, "Don't print prefix in logs");
  command.flag("--timestamps", flags->timestamps, "Show timestamps");
  command.runs(context, [&context, flags] { return run(context, *flags); });
}

}  // namespace berth::cli
