#include <fmt/core.h>

#include <memory>

#include "cli/project.h"
#include "cli/prune.h"
#include "cli/sizes.h"
#include "cli/volume_commands.h"
#include "sys/directory.h"

namespace berth::cli {
namespace {

struct VolumePruneFlags {
  std::vector<std::string> filters;
  bool all = false, force = false;
};

Status prune(const Context& context, const VolumePruneFlags& flags) {
  bool all = flags.all;
  std::vector<std::string> filters;
  for (const std::string& filter : flags.filters) {
    if (filter == "all=true" || filter == "all=1")
      all = true;  // as before there was a flag for it
    else
      filters.push_back(filter);
  }
  BERTH_TRY(engine::PruneOptions options, parse_prune_filters(filters));
  if (options.created_before_ns)
    return make_error("the filter \"until\" is not for volumes", "expected label=, label!= or all=");
  BERTH_TRY_OK(check_records(context));
  const char* warning = all ? "WARNING! This will remove all local volumes not used by at least one container."
                            : "WARNING! This will remove anonymous local volumes not used by at least one container.";
  if (!flags.force && !confirm(warning)) return {};
  uint64_t freed = 0;
  BERTH_TRY_OK(prune_volumes(context, options.labels, all, freed));
  fmt::print("Total reclaimed space: {}\n", size_text(freed, 4));
  return {};
}

}  // namespace

Status prune_volumes(const Context& context, const std::vector<engine::LabelFilter>& labels, bool all,
                     uint64_t& freed) {
  BERTH_TRY(volumes::VolumeStore store, volumes::VolumeStore::open(context.paths));
  BERTH_TRY(std::vector<volumes::Volume> volumes, store.list());
  // After the list: a container is on record before its volumes are there.
  const std::set<std::string> used = used_volumes(engine::StateStore(context.paths).observe());
  std::vector<std::string> removed;
  for (const volumes::Volume& volume : volumes) {
    const bool wanted = all || is_anonymous_volume(volume.name);
    if (!wanted || used.contains(volume.name) || !engine::matches(labels, volume.labels)) continue;
    uint64_t size = sys::disk_usage(store.volume_path(volume.name));
    BERTH_TRY_OK(store.remove(volume.name));
    freed += size;
    removed.push_back(volume.name);
  }
  print_list("Deleted Volumes", removed);
  return {};
}

void add_volume_prune(Command noun, Context& context) {
  auto flags = std::make_shared<VolumePruneFlags>();
  Command command = noun.add_command("prune", "Remove unused local volumes");
  command.flag("-a,--all", flags->all, "Remove all unused volumes, not just anonymous ones");
  command.flag("-f,--force", flags->force, "Do not prompt for confirmation");
  command.option("--filter", flags->filters, "Only what matches: label=, label!=");
  command.runs(context, [&context, flags] { return report(context, prune(context, *flags)); });
}

}  // namespace berth::cli
