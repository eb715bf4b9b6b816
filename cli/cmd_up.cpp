#include <algorithm>
#include <memory>

#include "base/clock.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/project.h"
#include "cli/provider/providers.h"
#include "cli/request.h"
#include "cli/up_attached.h"
#include "cli/up_flags.h"
#include "cli/up_trace.h"
#include "cli/watch/rules.h"
#include "engine/request.h"
#include "sys/environment.h"

namespace berth::cli {
namespace {

struct UpFlags {
  ConvergeFlags converge;
  std::vector<std::string> attach, no_attach;
  bool detach = false, attach_dependencies = false;
  bool wait = false;
  int64_t wait_timeout = 0;
  std::string trace;
  std::string menu;  // "true", "false", or nothing said
  AttachedOptions attached;
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
  const std::string& from = flags.attached.exit_code_from;
  if (!from.empty() && !is_in(known, from)) return no_such_service(from, known);
  return {};
}

Status check_combinations(const UpFlags& flags, bool dry_run) {
  const AttachedOptions& attached = flags.attached;
  if (attached.abort_on_exit && attached.abort_on_failure)
    return make_error(
        "--abort-on-container-failure cannot be combined with --abort-on-container-exit or --exit-code-from");
  if (!flags.trace.empty() && dry_run) return make_error("--trace has nothing to trace in a dry run");
  const bool aborts = attached.abort_on_exit || attached.abort_on_failure;
  if ((aborts || attached.watch) && (flags.detach || flags.wait)) {
    return make_error(std::string(flags.detach ? "--detach" : "--wait") +
                      " cannot be combined with --abort-on-container-exit, --abort-on-container-failure, "
                      "--exit-code-from or --watch, for which the command has to stay");
  }
  if (attached.watch && flags.converge.bring.no_build) return make_error("--no-build and --watch are incompatible");
  return {};
}

/// --menu, else COMPOSE_MENU, else where there is somebody to press keys.
bool wants_menu(const Context& context, const UpFlags& flags) {
  if (context.ansi == "never" || (context.progress != "auto" && context.progress != "tty")) return false;
  const std::string said = flags.menu.empty() ? sys::environment_variable("COMPOSE_MENU") : flags.menu;
  return said.empty() || said == "1" || to_lower(said) == "true";
}

int run(Context& context, UpFlags flags) {
  AttachedOptions& attached = flags.attached;
  if (!attached.exit_code_from.empty()) attached.abort_on_exit = true;
  if (Status combined = check_combinations(flags, context.dry_run); !combined) return report(context, combined);
  UpTrace trace(context);
  if (Status begun = trace.begin(flags.trace); !begun) return report(context, begun);
  auto reading = std::make_optional<trace::Part>(context.trace, "read the project");
  std::optional<compose::Project> project = load_project(context, flags.converge.services);
  if (!project) return 1;
  reading.reset();
  if (attached.watch && !watch_rules(context, *project, flags.converge.services, true)) return 1;
  int code = 1;
  std::vector<Errand> errands;
  std::optional<engine::UpRequest> request = prepare_up(context, *project, flags.converge, errands, code);
  if (!request) return code;
  if (Status chosen = choose_attached(flags, request->stack); !chosen) return report(context, chosen);
  request->options.wait = flags.wait;
  if (flags.wait_timeout > 0) request->options.wait_timeout_ns = flags.wait_timeout * kSecondNs;
  if (context.dry_run) return dry_run(context, engine::to_message(*request), std::move(errands));
  const std::string name = request->stack.project;
  if (flags.detach || flags.wait || flags.converge.no_start) {
    code = carry_out(context, engine::to_message(*request));
    trace.finish(name);
    return code;
  }
  attached.when_up = [&trace, &name] { trace.finish(name); };
  attached.menu = wants_menu(context, flags);
  if (!flags.converge.no_deps) attached.providers = provided_services(*project, flags.converge.services);
  return stay_attached(context, *project, *request, attached);
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
  command.flag("--abort-on-container-exit", flags->attached.abort_on_exit,
               "Stop all containers if any container was stopped");
  command.flag("--abort-on-container-failure", flags->attached.abort_on_failure,
               "Stop all containers if any container exited with failure");
  command.option("--exit-code-from", flags->attached.exit_code_from,
                 "Return the exit code of the selected service container");
  command.option("--attach", flags->attach, "Restrict attaching to the specified services");
  command.option("--no-attach", flags->no_attach, "Do not attach (stream logs) to the specified services");
  command.flag("--attach-dependencies", flags->attach_dependencies,
               "Automatically attach to log output of dependent services");
  command.flag("-w,--watch", flags->attached.watch,
               "Watch source code and rebuild/refresh containers when files are updated");
  command.flag("--menu", flags->menu, "Enable interactive shortcuts when running attached (also COMPOSE_MENU)");
  command.flag("--no-color", flags->attached.no_color, "Produce monochrome output");
  command.flag("--no-log-prefix", flags->attached.no_prefix, "Don't print prefix in logs");
  command.flag("--timestamps", flags->attached.timestamps, "Show timestamps");
  command.option("--trace", flags->trace,
                 "Show where the time went, and write a trace for Perfetto to this file; - shows it only");
  command.dry_runs(context);
  command.runs(context, [&context, flags] { return run(context, *flags); });
}

}  // namespace berth::cli
