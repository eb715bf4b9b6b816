#include <fmt/core.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <memory>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/project.h"
#include "cli/request.h"
#include "cli/up_flags.h"
#include "cli/watch/session.h"
#include "sys/sealed_self.h"

namespace berth::cli {
namespace {

struct WatchFlags {
  std::vector<std::string> services;
  WatchOptions options;
  bool no_up = false;
  bool of_up = false;  // started by `up`, without which nobody wants it
};

int dry_run_rules(const WatchRules& rules) {
  for (const watch::Rule& rule : rules.rules) {
    const std::string target = rule.target.empty() ? "" : " to " + rule.target;
    fmt::print("watch {} for service \"{}\": {}{}\n", printable(rule.path), rule.service,
               watch::action_name(rule.action), printable(target));
  }
  return 0;
}

/// What is watched runs, with images of what is there now. The exit code.
int bring_up(const Context& context, const compose::Project& project, const WatchFlags& flags) {
  ConvergeFlags up;
  up.services = flags.services;
  up.bring.build_watched = true;
  up.bring.quiet = up.bring.quiet_build = flags.options.quiet;
  int code = 1;
  std::vector<Errand> errands;
  std::optional<engine::UpRequest> request = prepare_up(context, project, up, errands, code);
  if (!request) return code;
  const engine::Json message = engine::to_message(*request);
  return context.dry_run ? dry_run(context, message, std::move(errands)) : carry_out(context, message);
}

/// Ends with `up`, however that ends.
void end_with_up() {
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  pollfd output{STDOUT_FILENO, 0, 0};
  if (poll(&output, 1, 0) > 0) _exit(1);  // it has gone already: nobody reads what we say
}

/// `up` has told all warnings.
std::optional<compose::Project> load_again(const Context& context, const std::vector<std::string>& services) {
  compose::LoadRequest request = load_request(context);
  request.services = services;
  compose::DiskFiles files;
  Diagnostics diagnostics;
  std::optional<compose::Project> project = compose::load(request, files, diagnostics);
  if (!project) fmt::print(stderr, "{}", diagnostics.render(context.colour(STDERR_FILENO)));
  return project;
}

int run(const Context& context, const WatchFlags& flags) {
  if (flags.of_up) end_with_up();
  // The commands of sync+exec begin as copies of us.
  if (!context.dry_run) {
    if (Status sealed = sys::seal_self(context.argv); !sealed) return report(context, sealed);
  }
  std::optional<compose::Project> project =
      flags.of_up ? load_again(context, flags.services) : load_project(context, flags.services);
  if (!project) return 1;
  std::optional<WatchRules> rules = watch_rules(context, *project, flags.services, !flags.of_up);
  if (!rules) return 1;
  if (!flags.no_up) {
    if (int code = bring_up(context, *project, flags); code != 0) return code;
  }
  if (context.dry_run) return dry_run_rules(*rules);
  return watch_until_signal(context, *project, *rules, flags.options);
}

}  // namespace

void add_watch(Command app, Context& context) {
  auto flags = std::make_shared<WatchFlags>();
  Command command =
      app.add_command("watch", "Watch build context for service and rebuild/refresh containers when files are updated");
  command.option("SERVICE", flags->services, "Services; all that have `develop:` if none is named");
  command.flag("--no-up", flags->no_up, "Do not build & start services before watching");
  command.flag("--prune", flags->options.prune, "Prune dangling images on rebuild");
  command.flag("--quiet", flags->options.quiet, "hide build output");
  command.flag("--of-up", flags->of_up).hidden();
  command.dry_runs(context);
  command.runs(context, [&context, flags] { return run(context, *flags); });
}

}  // namespace berth::cli
