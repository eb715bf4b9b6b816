#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/project.h"
#include "engine/event_log.h"
#include "engine/run_spec.h"
#include "runtime/exec.h"
#include "sys/file.h"
#include "sys/sealed_self.h"
#include "sys/terminal.h"

namespace berth::cli {
namespace {

struct ExecFlags {
  std::string service, user, workdir;
  std::vector<std::string> command, env;
  bool detach = false, no_tty = false, privileged = false, interactive = true, tty = true;
  int64_t index = 0;
};

/// The replica that is meant. Prints why there is none.
const engine::Container* find(const Context& context, const Target& target, const ExecFlags& flags,
                              const engine::Observed& observed) {
  std::optional<engine::Selection> selection = select(context, target, {flags.service});
  if (!selection) return nullptr;
  std::vector<const engine::Container*> containers = engine::select(observed, *selection);
  std::erase_if(containers, [&](const engine::Container* c) {
    return !c->live.alive() || (flags.index > 0 && c->record.number != flags.index);
  });
  if (!containers.empty()) {
    const engine::Container* first = *std::min_element(
        containers.begin(), containers.end(), [](auto* a, auto* b) { return a->record.number < b->record.number; });
    if (first->live.status != engine::Status::paused) return first;
    print_error(context, make_error("container " + first->record.name + " is paused",
                                    "let it go on with `berth unpause " + flags.service + "`"));
    return nullptr;
  }
  std::string which = flags.index > 0 ? fmt::format("{} (index {})", flags.service, flags.index) : flags.service;
  print_error(context, make_error("service \"" + which + "\" is not running",
                                  "start it with `berth up -d " + flags.service + "`"));
  return nullptr;
}

/// `NAME=value` as it is, `NAME` with the value it has here, if any.
std::vector<std::string> environment(const std::vector<std::string>& given) {
  std::vector<std::string> env;
  for (const std::string& entry : given) {
    if (entry.find('=') != std::string::npos)
      env.push_back(entry);
    else if (const char* value = getenv(entry.c_str()))
      env.push_back(entry + "=" + value);
  }
  return env;
}

struct Started {
  runtime::Running running;
  int exit_code = 0;  // if it did not start
  std::optional<Error> error;
};

Started start(const Context& context, const engine::Container& container, const ExecFlags& flags, bool tty) {
  Started started;
  auto attempt = [&]() -> Status {
    BERTH_TRY(runtime::Host host, runtime::Host::discover(context.paths.root + "/cache"));
    BERTH_TRY(runtime::ContainerSpec spec, engine::run_spec(container.record, context.paths));
    BERTH_TRY(sys::Pidfd init, sys::open_identified(container.live.process));
    runtime::ExecSpec exec;
    exec.args = flags.command;
    exec.env = environment(flags.env);
    exec.cwd = flags.workdir;
    exec.user = flags.user;
    exec.privileged = flags.privileged;
    exec.tty = tty;
    sys::WindowSize size = sys::window_size(sys::FdRef(STDIN_FILENO));
    exec.tty_rows = size.rows;
    exec.tty_columns = size.columns;
    runtime::LaunchIo io;
    if (!tty && !flags.detach) {
      io.in = sys::FdRef(flags.interactive ? STDIN_FILENO : -1);
      io.out = sys::FdRef(STDOUT_FILENO);
      io.err = sys::FdRef(STDERR_FILENO);
    }
    BERTH_TRY(runtime::Launch launch, runtime::start_exec(host, spec, init, exec, io));
    Result<runtime::Running> running = launch.finish();
    if (!running) {
      started.exit_code = launch.exit_code();
      return std::move(running).error();
    }
    started.running = std::move(running).value();
    return {};
  };
  started.exit_code = 1;
  if (Status status = attempt(); !status) started.error = std::move(status).error();
  return started;
}

int run(const Context& context, const ExecFlags& flags) {
  // What enters the container begins as a copy of us.
  if (!context.dry_run) {
    if (Status sealed = sys::seal_self(context.argv); !sealed) return report(context, sealed);
  }
  std::optional<Target> target = find_target(context);
  if (!target) return 1;
  engine::Observed observed = engine::StateStore(context.paths).observe();
  const engine::Container* container = find(context, *target, flags, observed);
  if (container == nullptr) return 1;
  if (context.dry_run) {
    fmt::print("exec container {} ({})\n", container->record.name, printable(join(flags.command, " ")));
    return 0;
  }
  bool tty = !flags.no_tty && flags.tty && !flags.detach && isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1;
  Started started = start(context, *container, flags, tty);
  if (started.error) {
    print_error(context, *started.error);
    return started.exit_code;
  }
  engine::EventLog events(context.paths);
  engine::StringMap id{{"execID", sys::random_hex(32)}};
  std::string words = ": " + join(flags.command, " ");
  events.add(engine::event_of(container->record, "exec_create" + words, id));
  events.add(engine::event_of(container->record, "exec_start" + words, id));
  if (flags.detach) return 0;
  if (tty)
    sys::attach_terminal(started.running.console_master.ref(), started.running.pidfd);
  else
    sys::pass_signals_until_exit(started.running.pidfd);
  int code = sys::reap(started.running.pidfd);
  id["exitCode"] = std::to_string(code);
  events.add(engine::event_of(container->record, "exec_die", id));
  return code;
}

}  // namespace

void add_exec(Command app, Context& context) {
  auto flags = std::make_shared<ExecFlags>();
  Command command = app.add_command("exec", "Execute a command in a running container");
  command.footer("berth exec [OPTIONS] SERVICE COMMAND [ARGS...]");
  command.flag("-d,--detach", flags->detach, "Run the command in the background");
  command.option("-e,--env", flags->env, "Set environment variables");
  command.flag("-T,--no-tty,--no-TTY", flags->no_tty, "Disable pseudo-TTY allocation");
  command.option("-u,--user", flags->user, "Run the command as this user");
  command.option("-w,--workdir", flags->workdir, "Path to workdir directory for this command");
  command.flag("--privileged", flags->privileged, "Give extended privileges to the process");
  command.option("--index", flags->index, "Index of the container if service has multiple replicas");
  command.flag("-i,--interactive,!--no-interactive", flags->interactive).hidden();
  command.flag("-t,--tty", flags->tty).hidden();
  command.rest(flags->command, 2, "a service and a command");
  command.dry_runs(context);
  command.runs(context, [&context, flags] {
    flags->service = flags->command.front();
    flags->command.erase(flags->command.begin());
    return run(context, *flags);
  });
}

}  // namespace berth::cli
