#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/container_choice.h"
#include "cli/container_commands.h"
#include "cli/project.h"
#include "compose/dotenv.h"
#include "compose/files.h"
#include "engine/event_log.h"
#include "engine/run_spec.h"
#include "runtime/exec.h"
#include "sys/file.h"
#include "sys/sealed_self.h"
#include "sys/stdio_relay.h"
#include "sys/terminal.h"

namespace berth::cli {
namespace {

struct ExecFlags {
  std::string name, user, workdir;  // name: of the service or container
  std::vector<std::string> command, env, env_files;
  bool detach = false, no_tty = false, privileged = false, interactive = true, tty = true;
  int64_t index = 0;
};

/// Prints why it is none to enter.
std::optional<engine::Container> entered(const Context& context, engine::Container container, const char* noun,
                                         const std::string& name) {
  if (container.live.status != engine::Status::paused) return container;
  print_error(context, make_error("container " + container.record.name + " is paused",
                                  fmt::format("let it go on with `berth {}unpause {}`", noun, name)));
  return std::nullopt;
}

/// The replica that is meant. Prints why there is none.
std::optional<engine::Container> find_replica(const Context& context, const ExecFlags& flags) {
  std::optional<engine::Selection> selection = select(context, {flags.name});
  if (!selection) return std::nullopt;
  engine::Observed observed = engine::StateStore(context.paths).observe();
  std::vector<const engine::Container*> containers = engine::select(observed, *selection);
  std::erase_if(containers, [&](const engine::Container* c) {
    return !c->live.alive() || (flags.index > 0 && c->record.number != flags.index);
  });
  if (!containers.empty()) {
    const engine::Container* first = *std::min_element(
        containers.begin(), containers.end(), [](auto* a, auto* b) { return a->record.number < b->record.number; });
    return entered(context, *first, "", flags.name);
  }
  std::string which = flags.index > 0 ? fmt::format("{} (index {})", flags.name, flags.index) : flags.name;
  print_error(context,
              make_error("service \"" + which + "\" is not running", "start it with `berth up -d " + flags.name + "`"));
  return std::nullopt;
}

/// Docker's form. Prints why there is none.
std::optional<engine::Container> find_named(const Context& context, const ExecFlags& flags) {
  Result<engine::Container> container = find_container(context, {false, flags.name, 0});
  if (container && container->live.alive()) return entered(context, std::move(*container), "container ", flags.name);
  print_error(context, container ? make_error("container " + container->record.name + " is not running")
                                 : std::move(container).error());
  return std::nullopt;
}

std::optional<std::string> variable_here(std::string_view name) {
  const char* value = getenv(std::string(name).c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

/// `NAME=value` as it is, `NAME` with the value it has here, if any; after what the files say.
Result<std::vector<std::string>> environment(const ExecFlags& flags) {
  std::vector<std::string> env;
  for (const std::string& path : flags.env_files) {
    BERTH_TRY(std::string text, compose::DiskFiles().read(path));
    BERTH_TRY(compose::Variables variables, compose::parse_raw_env(text, variable_here).context("{}", printable(path)));
    for (const compose::Variable& variable : variables) env.push_back(variable.name + "=" + variable.value);
  }
  for (const std::string& entry : flags.env) {
    if (entry.find('=') != std::string::npos)
      env.push_back(entry);
    else if (std::optional<std::string> value = variable_here(entry))
      env.push_back(entry + "=" + *value);
  }
  return env;
}

struct Started {
  runtime::Running running;
  sys::StdioRelay relay;  // without a terminal
  int exit_code = 0;      // if it did not start
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
    BERTH_TRY(exec.env, environment(flags));
    exec.cwd = flags.workdir;
    exec.user = flags.user;
    exec.privileged = flags.privileged;
    exec.tty = tty;
    sys::WindowSize size = sys::window_size(sys::FdRef(STDIN_FILENO));
    exec.tty_rows = size.rows;
    exec.tty_columns = size.columns;
    if (runtime::enters_as_copy(spec, exec)) BERTH_TRY_OK(sys::seal_self(context.argv));
    runtime::LaunchIo io;
    if (!tty && !flags.detach) {
      BERTH_TRY(started.relay, sys::StdioRelay::open(flags.interactive, true, true));
      io.in = started.relay.of_process(STDIN_FILENO);
      io.out = started.relay.of_process(STDOUT_FILENO);
      io.err = started.relay.of_process(STDERR_FILENO);
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

using FindContainer = std::optional<engine::Container>(const Context& context, const ExecFlags& flags);

/// `tty`: if there is a terminal to speak of.
int run(const Context& context, const ExecFlags& flags, FindContainer* find, bool tty) {
  std::optional<engine::Container> container = find(context, flags);
  if (!container) return 1;
  if (context.dry_run) {
    fmt::print("exec container {} ({})\n", container->record.name, printable(join(flags.command, " ")));
    return 0;
  }
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
    started.relay.carry(started.running.pidfd);
  int code = sys::reap(started.running.pidfd);
  id["exitCode"] = std::to_string(code);
  events.add(engine::event_of(container->record, "exec_die", id));
  return code;
}

void add_flags(Command command, ExecFlags& flags) {
  command.flag("-d,--detach", flags.detach, "Run the command in the background");
  command.option("-e,--env", flags.env, "Set environment variables");
  command.option("-u,--user", flags.user, "Run the command as this user");
  command.option("-w,--workdir", flags.workdir, "Path to workdir directory for this command");
  command.flag("--privileged", flags.privileged, "Give extended privileges to the process");
}

/// Out of the words that are no flags.
void take_name(ExecFlags& flags) {
  flags.name = flags.command.front();
  flags.command.erase(flags.command.begin());
}

}  // namespace

void add_exec(Command app, Context& context) {
  auto flags = std::make_shared<ExecFlags>();
  Command command = app.add_command("exec", "Execute a command in a running container");
  command.footer("berth exec [OPTIONS] SERVICE COMMAND [ARGS...]");
  add_flags(command, *flags);
  command.flag("-T,--no-tty,--no-TTY", flags->no_tty, "Disable pseudo-TTY allocation");
  command.option("--index", flags->index, "Index of the container if service has multiple replicas");
  command.flag("-i,--interactive,!--no-interactive", flags->interactive).hidden();
  command.flag("-t,--tty", flags->tty).hidden();
  command.rest(flags->command, 2, "a service and a command");
  command.dry_runs(context);
  command.runs(context, [&context, flags] {
    take_name(*flags);
    bool terminal = isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1;
    return run(context, *flags, find_replica, terminal && !flags->no_tty && flags->tty && !flags->detach);
  });
}

void add_container_exec(Command noun, Context& context) {
  auto flags = std::make_shared<ExecFlags>();
  flags->interactive = flags->tty = false;
  Command command = noun.add_command("exec", "Execute a command in a running container");
  command.footer("berth container exec [OPTIONS] CONTAINER COMMAND [ARGS...]");
  add_flags(command, *flags);
  command.option("--env-file", flags->env_files, "Read in a file of environment variables");
  command.flag("-i,--interactive", flags->interactive, "Keep STDIN open even if not attached");
  command.flag("-t,--tty", flags->tty, "Allocate a pseudo-TTY");
  command.rest(flags->command, 2, "a container and a command");
  command.runs(context, [&context, flags] {
    take_name(*flags);
    if (flags->tty && flags->interactive && isatty(STDIN_FILENO) == 0)
      return report(context, make_error("the input device is not a TTY", "leave -t out"));
    return run(context, *flags, find_named, flags->tty && !flags->detach);
  });
}

}  // namespace berth::cli
