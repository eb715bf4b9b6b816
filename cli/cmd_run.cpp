#include <fmt/core.h>
#include <unistd.h>

#include <memory>

#include "cli/bring_images.h"
#include "cli/commands.h"
#include "cli/one_off.h"
#include "cli/orphans.h"
#include "cli/project.h"
#include "cli/provider/providers.h"
#include "cli/run_overrides.h"
#include "compose/provider.h"
#include "engine/request.h"
#include "sys/file.h"

namespace berth::cli {
namespace {

struct RunFlags {
  RunOverrides overrides;
  std::string service, name;
  bool remove = false, detach = false, no_tty = false, interactive = true, no_deps = false, use_aliases = false;
  bool remove_orphans = false;
  BringFlags bring;
};

/// The stack of the service and what it depends on, their images at hand. Prints what is wrong; `code` is then the
/// command's exit code.
std::optional<engine::RunRequest> prepare(const Context& context, const RunFlags& flags, bool tty,
                                          std::vector<Errand>& errands, int& code) {
  std::optional<compose::Project> project = load_project(context, {flags.service});
  if (!project) return std::nullopt;
  Result<Orphans> orphans = Orphans::of(flags.remove_orphans, project->environment);
  if (!orphans) return (void)report(context, orphans.error()), std::nullopt;
  if (project->services.contains(flags.service)) {  // else make_stack() says what is wrong with the name
    if (Status changed = apply_overrides(flags.overrides, *project, flags.service); !changed) {
      print_error(context, changed.error());
      return std::nullopt;
    }
    compose::Service& service = project->services.at(flags.service);
    if (compose::has_provider(service)) {
      print_error(context, make_error("service \"" + flags.service +
                                      "\" has no container to run anything in: a "
                                      "provider runs it"));
      return std::nullopt;
    }
    service.tty = tty;
    service.stdin_open = flags.interactive;
  }
  std::optional<engine::Stack> stack = make_stack(context, *project, {flags.service}, flags.no_deps);
  if (!stack) return std::nullopt;
  if (code = bring_images(context, *project, *stack, flags.bring, errands); code != 0) return std::nullopt;
  if (code = bring_providers(context, *project, {flags.service}, flags.no_deps, *stack, errands); code != 0)
    return std::nullopt;
  code = 1;
  engine::RunRequest request;
  request.stack = std::move(*stack);
  engine::ServiceConfig& config = request.stack.services.back();  // dependencies come first
  if (!flags.use_aliases) {
    for (engine::AttachmentConfig& attachment : config.container.attachments) attachment.aliases.clear();
  }
  request.options.one_off.service = flags.service;
  request.options.one_off.name = flags.name.empty() ? fmt::format("{0}{3}{1}{3}run{3}{2}", project->name, flags.service,
                                                                  sys::random_hex(6), request.stack.separator)
                                                    : flags.name;
  request.options.one_off.auto_remove = flags.remove;
  request.attach = !flags.detach;
  request.options.remove_orphans = orphans->remove;
  request.options.ignore_orphans = true;
  request.options.other_services = known_services(*project);
  return request;
}

int run(const Context& context, const RunFlags& flags) {
  // Docker Compose looks at standard output only, so that `echo y | … run` has a terminal to complain about; a terminal
  // is of use only where both ends are one.
  bool tty = !flags.no_tty && !flags.detach && isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1;
  int code = 1;
  std::vector<Errand> errands;
  std::optional<engine::RunRequest> request = prepare(context, flags, tty, errands, code);
  if (!request) return code;
  if (context.dry_run) return dry_run(context, engine::to_message(*request), std::move(errands));
  return run_one_off(context, *request, {.in = flags.interactive});
}

}  // namespace

void add_run(Command app, Context& context) {
  auto flags = std::make_shared<RunFlags>();
  RunOverrides& o = flags->overrides;
  Command command = app.add_command("run", "Run a one-off command on a service");
  command.footer("berth run [OPTIONS] SERVICE [COMMAND] [ARGS...]");
  command.flag("--rm", flags->remove, "Automatically remove the container when it exits");
  command.flag("-d,--detach", flags->detach, "Run container in background and print container ID");
  command.option("-e,--env", o.env, "Set environment variables");
  command.option("--env-from-file", o.env_files, "Set environment variables from file");
  command.flag("-T,--no-tty,--no-TTY", flags->no_tty, "Disable pseudo-TTY allocation");
  command.flag("-i,--interactive,!--no-interactive", flags->interactive, "Keep STDIN open even if not attached");
  command.ignore_flag("-t,--tty");
  command.option("--entrypoint", o.entrypoint, "Override the entrypoint of the image");
  command.option("-u,--user", o.user, "Run as specified username or uid");
  command.option("-w,--workdir", o.workdir, "Working directory inside the container");
  command.option("-v,--volume", o.volumes, "Bind mount a volume");
  command.option("-p,--publish", o.publish, "Publish a container's port(s) to the host");
  command.flag("-P,--service-ports", o.service_ports,
               "Run command with all service's ports enabled and mapped to the host");
  command.option("--name", flags->name, "Assign a name to the container");
  command.option("-l,--label", o.labels, "Add or override a label");
  command.option("--cap-add", o.cap_add, "Add Linux capabilities");
  command.option("--cap-drop", o.cap_drop, "Drop Linux capabilities");
  command.flag("--no-deps", flags->no_deps, "Don't start linked services");
  command.flag("--use-aliases", flags->use_aliases,
               "Use the service's network aliases in the network(s) the container connects to");
  command.flag("--remove-orphans", flags->remove_orphans,
               "Remove containers for services not defined in the compose file");
  add_bring_flags(command, flags->bring);
  command.rest(o.command, 1, "a service");
  command.dry_runs(context);
  command.runs(context, [&context, flags] {
    std::vector<std::string>& words = flags->overrides.command;
    flags->service = words.front();
    words.erase(words.begin());
    return run(context, *flags);
  });
}

}  // namespace berth::cli
