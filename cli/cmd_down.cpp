#include <memory>

#include "cli/commands.h"
#include "cli/down_images.h"
#include "cli/orphans.h"
#include "cli/project.h"
#include "cli/provider/providers.h"
#include "cli/request.h"
#include "engine/request.h"
#include "sys/file.h"
#include "volumes/store.h"

namespace berth::cli {
namespace {

struct DownFlags {
  std::vector<std::string> services;
  bool volumes = false, remove_orphans = false;
  int64_t timeout = -1;
  std::string rmi;  // local, all
};

/// Real names of the volumes that are the project's to remove: those of the file, or without one those with its label.
std::vector<std::string> declared_volumes(const Context& context, const Target& target) {
  std::vector<std::string> names;
  if (target.file) {
    for (const auto& [key, volume] : target.file->volumes) {
      if (!volume.external) names.push_back(volume.name);
    }
    return names;
  }
  if (context.dry_run && !sys::exists(context.paths.volumes())) return names;
  Result<volumes::VolumeStore> store = volumes::VolumeStore::open(context.paths);
  if (!store) return names;
  Result<std::vector<volumes::Volume>> all = store->list({{"com.docker.compose.project", target.project}});
  if (!all) return names;
  for (const volumes::Volume& volume : *all) names.push_back(volume.name);
  return names;
}

int run(const Context& context, const DownFlags& flags) {
  std::optional<Target> target = find_target(context);
  if (!target) return 1;
  std::optional<engine::Selection> selection = select(context, *target, flags.services);
  if (!selection) return 1;
  Result<Orphans> orphans = Orphans::of(flags.remove_orphans, environment_of(*target));
  if (!orphans) return report(context, orphans.error());
  engine::DownRequest request;
  request.selection = *selection;
  request.options.volumes = flags.volumes;
  request.options.remove_orphans = orphans->remove;
  if (flags.timeout >= 0) request.options.stop_timeout_ns = flags.timeout * 1'000'000'000;
  if (target->file) {
    request.options.services.emplace();
    for (const auto& [name, service] : target->file->services) request.options.services->insert(name);
    request.options.disabled = disabled_services(*target->file);
  }
  if (flags.volumes) request.options.declared_volumes = declared_volumes(context, *target);
  std::vector<std::string> images;
  if (!flags.rmi.empty()) images = images_of(context, *target, *selection, flags.rmi == "all");
  if (context.dry_run) {
    std::vector<Errand> errands;
    add_take_down(context, *selection, errands);
    for (const std::string& image : images) errands.push_back({"Remove", image, "--rmi " + flags.rmi});
    return dry_run(context, engine::to_message(request), std::move(errands));
  }
  int code = carry_out(context, engine::to_message(request));
  if (code == 0) code = take_down_providers(context, *selection, environment_of(*target));
  return code == 0 ? remove_images(context, images) : code;
}

}  // namespace

void add_down(Command app, Context& context) {
  auto flags = std::make_shared<DownFlags>();
  Command command = app.add_command("down", "Stop and remove containers, networks");
  command.option("SERVICE", flags->services,
                 "Services to take down, with all that depend on them; everything, with networks, if none is named");
  command.flag("-v,--volumes", flags->volumes, "Remove named volumes declared in the file and anonymous volumes");
  command.flag("--remove-orphans", flags->remove_orphans,
               "Remove containers for services not defined in the compose file");
  command.option("--rmi", flags->rmi, "Remove images used by services: \"all\", or \"local\" for those without a name")
      .one_of({"all", "local"});
  command.option("-t,--timeout", flags->timeout, "Seconds to wait for containers to stop before killing them");
  command.dry_runs(context);
  command.runs(context, [&context, flags] { return run(context, *flags); });
}

}  // namespace berth::cli
