#include "cli/up_flags.h"

#include <fmt/core.h>

#include <iostream>

#include "base/clock.h"
#include "base/text.h"
#include "cli/orphans.h"
#include "cli/project.h"
#include "cli/provider/providers.h"
#include "compose/provider.h"
#include "engine/plan_request.h"
#include "engine/plan_resources.h"

namespace berth::cli {
namespace {

struct Pair {
  const char *one, *other;
  bool both;
};

Status check(const ConvergeFlags& flags) {
  const Pair pairs[] = {
      {"--force-recreate", "--no-recreate", flags.force_recreate && flags.no_recreate},
      {"--always-recreate-deps", "--no-recreate", flags.always_recreate_deps && flags.no_recreate},
      {"--renew-anon-volumes", "--no-recreate", flags.renew_anon_volumes && flags.no_recreate},
      {"--build", "--no-build", flags.bring.build && flags.bring.no_build},
  };
  for (const Pair& pair : pairs) {
    if (pair.both) return make_error(fmt::format("{} and {} are incompatible", pair.one, pair.other));
  }
  return {};
}

/// Reads `SERVICE=N` pairs into the stack.
Status apply_scale(const std::vector<std::string>& pairs, const compose::Project& project, engine::Stack& stack) {
  for (const std::string& pair : pairs) {
    size_t equals = pair.find('=');
    std::string name = pair.substr(0, equals);
    std::optional<unsigned long long> count =
        equals == std::string::npos ? std::nullopt : parse_unsigned(std::string_view(pair).substr(equals + 1));
    if (!count) return make_error("--scale takes SERVICE=NUMBER, not \"" + pair + "\"");
    std::vector<std::string> known;
    engine::ServiceConfig* service = nullptr;
    for (engine::ServiceConfig& one : stack.services) {
      if (one.name == name) service = &one;
      known.push_back(one.name);
    }
    const compose::Service* written = project.find_service(name);
    if (written != nullptr && compose::has_provider(*written))
      return make_error("service \"" + name + "\" has no containers whose number could change: a provider runs it");
    if (service == nullptr) return no_such_service(name, known);
    if (*count > 1 && !service->container_name.empty()) {
      return make_error("service \"" + name + "\" has a container_name, so there can be only one of it");
    }
    service->replicas = static_cast<int64_t>(*count);
  }
  return {};
}

/// Volumes that are defined otherwise now and may be made anew: the user says so for each, or has said so for all.
std::set<std::string> volumes_to_recreate(const Context& context, const engine::Stack& stack, bool yes) {
  engine::Observed observed = engine::StateStore(context.paths).observe();
  engine::observe_volumes(context.paths, stack, observed);
  std::set<std::string> names;
  for (const engine::VolumeConfig* volume : engine::diverged_volumes(stack, observed)) {
    std::string answer = yes ? "y" : "";
    if (!yes && !context.dry_run) {
      fmt::print(stderr,
                 "Volume \"{}\" exists but doesn't match configuration in compose file. Recreate (data will be "
                 "lost)? [yN] ",
                 printable(volume->name));
      std::getline(std::cin, answer);
    }
    if (answer == "y" || answer == "Y" || answer == "yes") names.insert(volume->name);
  }
  return names;
}

}  // namespace

void add_create_flags(Command command, ConvergeFlags& flags) {
  command.option("SERVICE", flags.services, "Services with what they depend on; all if none is named");
  command.flag("--force-recreate", flags.force_recreate, "Recreate containers even if nothing has changed");
  command.flag("--no-recreate", flags.no_recreate, "If containers already exist, don't recreate them");
  command.flag("--remove-orphans", flags.remove_orphans,
               "Remove containers for services not defined in the compose file");
  command.option("--scale", flags.scale, "Scale SERVICE to NUM instances");
  command.flag("-y,--yes", flags.yes, "Assume \"yes\" as answer to all prompts and run non-interactively");
  add_bring_flags(command, flags.bring);
}

void add_converge_flags(Command command, ConvergeFlags& flags) {
  add_create_flags(command, flags);
  command.flag("--always-recreate-deps", flags.always_recreate_deps, "Recreate dependent containers");
  command.flag("-V,--renew-anon-volumes", flags.renew_anon_volumes,
               "Recreate anonymous volumes instead of retrieving data from the previous containers");
  command.flag("--no-deps", flags.no_deps, "Don't start linked services");
  command.flag("--no-start", flags.no_start, "Don't start the services after creating them");
  command.option("-t,--timeout", flags.timeout, "Seconds to wait for containers to stop before killing them");
}

std::optional<engine::UpRequest> prepare_up(const Context& context, const ConvergeFlags& flags,
                                            std::vector<Errand>& errands, int& code) {
  code = 1;
  if (Status good = check(flags); !good) return (void)report(context, good), std::nullopt;
  std::optional<compose::Project> project = load_project(context, flags.services);
  return project ? prepare_up(context, *project, flags, errands, code) : std::nullopt;
}

std::optional<engine::UpRequest> prepare_up(const Context& context, const compose::Project& project,
                                            const ConvergeFlags& flags, std::vector<Errand>& errands, int& code) {
  code = 1;
  if (Status good = check(flags); !good) return (void)report(context, good), std::nullopt;
  Result<Orphans> orphans = Orphans::of(flags.remove_orphans, project.environment);
  if (!orphans) return (void)report(context, orphans.error()), std::nullopt;
  std::optional<engine::Stack> stack = make_stack(context, project, flags.services, flags.no_deps);
  if (!stack) return std::nullopt;
  if (Status scaled = apply_scale(flags.scale, project, *stack); !scaled)
    return (void)report(context, scaled), std::nullopt;
  if (code = bring_images(context, project, *stack, flags.bring, errands); code != 0) return std::nullopt;
  if (code = bring_providers(context, project, flags.services, flags.no_deps, *stack, errands); code != 0)
    return std::nullopt;
  engine::UpRequest request;
  engine::UpOptions& options = request.options;
  options.other_services = known_services(project);
  if (flags.services.empty()) options.disabled = disabled_services(project);
  options.named = {flags.services.begin(), flags.services.end()};
  options.force_recreate = flags.force_recreate;
  options.no_recreate = flags.no_recreate;
  options.always_recreate_deps = flags.always_recreate_deps;
  options.renew_anonymous_volumes = flags.renew_anon_volumes;
  options.recreate_volumes = volumes_to_recreate(context, *stack, flags.yes);
  options.no_start = flags.no_start;
  options.remove_orphans = orphans->remove;
  options.ignore_orphans = flags.known_only || orphans->ignore;
  if (flags.timeout >= 0) options.stop_timeout_ns = flags.timeout * kSecondNs;
  request.stack = std::move(*stack);
  return request;
}

}  // namespace berth::cli
