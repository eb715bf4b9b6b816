#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <set>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/project.h"
#include "cli/prune.h"
#include "cli/request.h"
#include "cli/sizes.h"
#include "engine/request.h"
#include "engine/state.h"
#include "sys/directory.h"
#include "volumes/store.h"

namespace berth::cli {
namespace {

struct Flags {
  std::vector<std::string> filters;
  bool all = false, force = false, volumes = false;
};

std::string warning_text(const Flags& flags) {
  std::string text =
      "WARNING! This will remove:\n"
      "  - all stopped containers\n"
      "  - all networks not used by at least one container\n";
  if (flags.volumes) text += "  - all anonymous volumes not used by at least one container\n";
  text +=
      flags.all ? "  - all images without at least one container associated to them\n" : "  - all dangling images\n";
  text += flags.all ? "  - all build cache\n" : "  - unused build cache\n";
  if (!flags.filters.empty()) text += "\n  Items to be pruned will be filtered with:\n";
  for (const std::string& filter : flags.filters) text += "  - " + printable(filter) + "\n";
  return text;
}

/// Anonymous ones have nothing but an id as their name.
bool is_anonymous(const std::string& name) {
  return name.size() == 64 && name.find_first_not_of("0123456789abcdef") == std::string::npos;
}

Status prune_volumes(const Context& context, const engine::PruneOptions& options, uint64_t& freed) {
  BERTH_TRY(volumes::VolumeStore store, volumes::VolumeStore::open(context.paths));
  BERTH_TRY(std::vector<volumes::Volume> all, store.list());
  // After the list: a container is on record before its volumes are there.
  std::set<std::string> used;
  for (const engine::Container& container : engine::StateStore(context.paths).observe().containers) {
    for (const engine::MountConfig& mount : container.record.mounts) used.insert(mount.source);
  }
  std::vector<std::string> removed;
  for (const volumes::Volume& volume : all) {
    if (!is_anonymous(volume.name) || used.contains(volume.name) || !matches(options.labels, volume.labels)) continue;
    uint64_t size = sys::disk_usage(store.volume_path(volume.name));
    BERTH_TRY_OK(store.remove(volume.name));
    freed += size;
    removed.push_back(volume.name);
  }
  print_list("Deleted Volumes", removed);
  return {};
}

Status prune(const Context& context, const Flags& flags) {
  BERTH_TRY(engine::PruneOptions options, parse_prune_filters(flags.filters));
  if (flags.volumes && options.created_before_ns)
    return make_error("The \"until\" filter is not supported with \"--volumes\"");
  BERTH_TRY_OK(check_records(context));
  if (!flags.force && !confirm(warning_text(flags))) return {};
  uint64_t freed = 0;
  bool ok = prune_projects(context, options, freed);
  if (flags.volumes) BERTH_TRY_OK(prune_volumes(context, options, freed));
  BERTH_TRY_OK(prune_images(context, flags.filters, flags.all, freed));
  if (flags.filters.empty()) BERTH_TRY_OK(prune_build_cache(context, freed));
  fmt::print("Total reclaimed space: {}\n", size_text(freed, 4));
  if (!ok) return make_error("not everything could be removed");
  return {};
}

}  // namespace

void add_system_prune(Command app, Context& context) {
  auto flags = std::make_shared<Flags>();
  Command command = app.noun("system").add_command("prune", "Remove unused data");
  command.flag("-a,--all", flags->all, "Remove all unused images not just dangling ones");
  command.flag("-f,--force", flags->force, "Do not prompt for confirmation");
  command.flag("--volumes", flags->volumes, "Prune anonymous volumes");
  command.option("--filter", flags->filters, "Only what matches: until=, label=, label!=");
  command.runs(context, [&context, flags] { return report(context, prune(context, *flags)); });
}

}  // namespace berth::cli
