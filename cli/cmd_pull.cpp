// pull and push: the images of a project's services.

#include <fmt/core.h>

#include <memory>
#include <set>

#include "base/text.h"
#include "cli/bring_images.h"
#include "cli/commands.h"
#include "cli/project.h"
#include "cli/status_stream.h"
#include "cli/transfer.h"
#include "compose/select.h"
#include "images/store.h"
#include "sys/file.h"

namespace berth::cli {
namespace {

struct PullFlags {
  std::vector<std::string> services;
  std::string policy;
  bool quiet = false, include_deps = false, ignore_failures = false, ignore_buildable = false;
};

/// The services meant, or nothing after telling what is wrong.
std::optional<std::vector<const compose::Service*>> chosen(const Context& context, const compose::Project& project,
                                                           const PullFlags& flags) {
  auto follow = flags.include_deps ? compose::Follow::dependencies : compose::Follow::none;
  Result<std::vector<std::string>> names = compose::select_services(project, flags.services, follow);
  if (!names) {
    print_error(context, names.error());
    return std::nullopt;
  }
  std::vector<const compose::Service*> services;
  for (const std::string& name : *names) services.push_back(&project.services.at(name));
  return services;
}

void skip(const PullFlags& flags, const compose::Service& service, const char* why) {
  if (!flags.quiet) fmt::print(status_stream(), " {}  Skipped - {}\n", printable(service.name), why);
}

/// "latest" may be another one by now, so it never counts as present.
bool is_present(const Context& context, const std::string& image) {
  Result<images::Reference> reference = images::parse_reference(image);
  if (reference && reference->tag == "latest") return false;
  if (context.dry_run && !sys::exists(context.paths.images())) return false;
  Result<images::Store> store = images::Store::open(context.paths);
  return store && store->resolve(image);
}

int transfer(const Context& context, const PullFlags& flags, Transfer wanted) {
  wanted.quiet = flags.quiet;
  wanted.ignore_failures = flags.ignore_failures;
  if (context.dry_run) {
    Preview preview;
    for (const Transfer::Item& item : wanted.items)
      preview.errands.push_back({wanted.push ? "Push" : "Pull", item.image, "asked for"});
    return dry_run(context, std::move(preview));
  }
  if (wanted.items.empty()) return 0;
  Result<int> code = carry_out(context, wanted);
  if (!code) return report(context, code.error());
  return *code > 128 ? 130 : *code;
}

int pull(const Context& context, const PullFlags& flags) {
  std::optional<compose::Project> project = load_project(context, flags.services);
  if (!project) return 1;
  auto services = chosen(context, *project, flags);
  if (!services) return 1;
  Transfer wanted;
  std::set<std::string> images;
  for (const compose::Service* service : *services) {
    std::string policy = !flags.policy.empty() ? flags.policy : service->pull_policy.value_or("always");
    for (const compose::Hook& hook : service->pre_start) {
      bool unneeded = !hook.image || policy == "never" || (policy == "missing" && is_present(context, *hook.image));
      if (!unneeded && images.insert(*hook.image).second) wanted.items.push_back({*hook.image, "", {}});
    }
    if (!service->image) {
      skip(flags, *service, "No image to be pulled");
      continue;
    }
    if (policy == "never" || policy == "build") {
      skip(flags, *service, policy == "never" ? "pull_policy is never" : "Image can be built");
    } else if (service->build && flags.ignore_buildable) {
      skip(flags, *service, "Image can be built");
    } else if (policy == "missing" && is_present(context, *service->image)) {
      skip(flags, *service, "Image is already present locally");
    } else if (images.insert(*service->image).second) {
      wanted.items.push_back({*service->image, service->platform.value_or(""), {}});
    }
  }
  return transfer(context, flags, std::move(wanted));
}

int push(const Context& context, const PullFlags& flags) {
  std::optional<compose::Project> project = load_project(context, flags.services);
  if (!project) return 1;
  auto services = chosen(context, *project, flags);
  if (!services) return 1;
  Transfer wanted;
  wanted.push = true;
  std::set<std::string> images;
  for (const compose::Service* service : *services) {
    // As with Docker Compose: what is only used here belongs to others.
    if (!service->build || !service->image)
      skip(flags, *service, service->image ? "Image is not built here" : "No image name to push to");
    else if (images.insert(*service->image).second)
      wanted.items.push_back({*service->image, "", {}});
  }
  return transfer(context, flags, std::move(wanted));
}

}  // namespace

void add_pull(Command app, Context& context) {
  auto flags = std::make_shared<PullFlags>();
  Command command = app.add_command("pull", "Pull service images");
  command.option("SERVICE", flags->services, "Services; all if none is named");
  command.flag("--ignore-buildable", flags->ignore_buildable, "Ignore images that can be built");
  command.flag("--ignore-pull-failures", flags->ignore_failures,
               "Pull what it can and ignores images with pull failures");
  command.flag("--include-deps", flags->include_deps, "Also pull services declared as dependencies");
  command.option("--policy", flags->policy, "Apply pull policy (\"missing\"|\"always\")").one_of({"missing", "always"});
  command.flag("-q,--quiet", flags->quiet, "Pull without printing progress information");
  command.ignore_flag("--parallel,--no-parallel");  // older Compose's; --parallel before the command decides
  command.dry_runs(context);
  command.runs(context, [&context, flags] { return pull(context, *flags); });
}

void add_push(Command app, Context& context) {
  auto flags = std::make_shared<PullFlags>();
  Command command = app.add_command("push", "Push service images");
  command.option("SERVICE", flags->services, "Services; all if none is named");
  command.flag("--ignore-push-failures", flags->ignore_failures,
               "Push what it can and ignores images with push failures");
  command.flag("--include-deps", flags->include_deps, "Also push images of services declared as dependencies");
  command.flag("-q,--quiet", flags->quiet, "Push without printing progress information");
  command.dry_runs(context);
  command.runs(context, [&context, flags] { return push(context, *flags); });
}

}  // namespace berth::cli
