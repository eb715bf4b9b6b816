// build: the images of a project's services.

#include <fmt/core.h>

#include <memory>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/plan_view.h"
#include "cli/project.h"
#include "cli/service_builds.h"
#include "cli/transfer.h"
#include "compose/select.h"

namespace berth::cli {
namespace {

struct BuildFlags {
  std::string progress;
  std::vector<std::string> services, args, ssh;
  bool no_cache = false, pull = false, push = false, quiet = false, with_dependencies = false, check = false,
       print = false;
};

BuildOverrides overrides_of(const BuildFlags& flags, const compose::Project& project) {
  BuildOverrides overrides;
  for (const std::string& text : flags.args) {
    size_t equals = text.find('=');
    std::string name = text.substr(0, equals);
    auto known = project.environment.find(name);
    if (equals != std::string::npos)
      overrides.args[name] = text.substr(equals + 1);
    else if (known != project.environment.end())
      overrides.args[name] = known->second;
  }
  overrides.ssh = flags.ssh;
  overrides.no_cache = flags.no_cache;
  overrides.pull = flags.pull;
  overrides.all_platforms = true;
  return overrides;
}

int push_built(const Context& context, const BuildFlags& flags, const BuildOrder& order) {
  Transfer transfer;
  transfer.push = true;
  transfer.quiet = flags.quiet;
  for (const BuildJob& job : order.jobs) {
    for (const std::string& tag : job.tags) transfer.items.push_back({tag, "", {}});
  }
  Result<int> code = carry_out(context, transfer);
  return code ? *code : report(context, code.error());
}

int run(const Context& context, const BuildFlags& flags) {
  std::optional<compose::Project> project = load_project(context, flags.services);
  if (!project) return 1;
  auto follow = flags.with_dependencies ? compose::Follow::dependencies : compose::Follow::none;
  Result<std::vector<std::string>> services = compose::select_services(*project, flags.services, follow);
  if (!services) return report(context, services.error());
  Result<std::vector<BuildJob>> jobs = build_jobs(*project, *services, overrides_of(flags, *project));
  if (!jobs) return report(context, jobs.error());
  BuildOrder order{std::move(*jobs), flags.quiet, flags.check};
  if (flags.print) {
    fmt::print("{}\n", to_json_text(order));
    return 0;
  }
  if (context.dry_run) {
    Preview preview;
    for (const BuildJob& job : order.jobs) {
      for (const std::string& tag : job.tags) {
        preview.errands.push_back({"Build", tag, "service \"" + job.name + "\""});
        if (flags.push) preview.errands.push_back({"Push", tag, "--push"});
      }
    }
    return dry_run(context, std::move(preview));
  }
  if (order.jobs.empty()) {
    fmt::print(stderr, "No services to build\n");
    return 0;
  }
  Result<int> code = carry_out(context, order);
  if (!code) return report(context, code.error());
  if (*code != 0) return *code > 128 ? 130 : *code;
  return flags.push ? push_built(context, flags, order) : 0;
}

}  // namespace

void add_build(Command app, Context& context) {
  auto flags = std::make_shared<BuildFlags>();
  Command command = app.add_command("build", "Build or rebuild services");
  command.option("SERVICE", flags->services, "Services; all that have `build:` if none is named");
  command.option("--build-arg", flags->args, "Set build-time variables for services");
  command.option("--ssh", flags->ssh, "SSH agent socket to expose to the build");
  command.flag("--no-cache", flags->no_cache, "Do not use cache when building the image");
  command.flag("--pull", flags->pull, "Always attempt to pull a newer version of the image");
  command.flag("--push", flags->push, "Push service images");
  command.flag("-q,--quiet", flags->quiet, "Suppress the build output");
  command.flag("--with-dependencies", flags->with_dependencies, "Also build dependencies (transitively)");
  command.flag("--check", flags->check, "Check build configuration");
  command.flag("--print", flags->print, "Print what would be built, as JSON");
  // Docker's, without a meaning here: there is one builder, and it compresses nothing.
  command.ignore_option("--builder,--memory,-m");
  command.ignore_flag("--compress,--force-rm,--no-rm,--parallel,--provenance,--sbom");
  command.option("--progress", flags->progress).one_of({"auto", "tty", "plain", "json", "quiet"}).hidden();
  command.dry_runs(context);
  command.runs(context, [&context, flags] {
    if (flags->progress.empty()) return run(context, *flags);
    fmt::print(stderr, "warning: --progress is a global flag: use `berth --progress {} build`\n", flags->progress);
    context.progress = flags->progress;
    return run(context, *flags);
  });
}

}  // namespace berth::cli
