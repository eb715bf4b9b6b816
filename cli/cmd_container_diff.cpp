#include <fmt/core.h>

#include <map>
#include <memory>
#include <optional>

#include "base/text.h"
#include "cli/container_choice.h"
#include "cli/container_commands.h"
#include "cli/project.h"
#include "sys/file.h"
#include "volumes/merged_tree.h"

namespace berth::cli {
namespace {

using volumes::MergedDir;

/// A name in a directory: in the image, in the container, or in both.
struct Compared {
  std::optional<MergedDir::Entry> before, now;
};

/// What of the directory is the container's own. `now` has the container's layer on top of what is in `before`, which
/// is nothing where the image has no such directory.
Status tell_changes(const std::optional<MergedDir>& before, const MergedDir& now, const std::string& path) {
  std::map<std::string, Compared> names;
  if (before) {
    BERTH_TRY(std::vector<MergedDir::Entry> entries, before->entries());
    for (MergedDir::Entry& entry : entries) names[entry.name].before = std::move(entry);
  }
  BERTH_TRY(std::vector<MergedDir::Entry> entries, now.entries());
  for (MergedDir::Entry& entry : entries) names[entry.name].now = std::move(entry);
  for (const auto& [name, one] : names) {
    const std::string shown = path + "/" + name;
    if (!one.now) fmt::print("D {}\n", printable(shown));
    if (!one.now || one.now->layer != 0) continue;
    fmt::print("{} {}\n", one.before ? "C" : "A", printable(shown));
    if (!S_ISDIR(one.now->info.st_mode)) continue;
    Result<MergedDir> child = now.child(*one.now);
    if (!child && child.error().code == ENOENT) continue;  // taken away meanwhile
    if (!child) return std::move(child).error();
    std::optional<MergedDir> child_before;
    if (one.before && S_ISDIR(one.before->info.st_mode)) {
      BERTH_TRY(child_before, before->child(*one.before));
    }
    BERTH_TRY_OK(tell_changes(child_before, *child, shown));
  }
  return {};
}

Status diff(const Context& context, const ContainerChoice& choice) {
  BERTH_TRY(engine::Container container, find_container(context, choice));
  std::vector<std::string> layers = container.record.layers;
  std::optional<MergedDir> before;
  if (!layers.empty()) {
    BERTH_TRY(before, MergedDir::open_root(layers));
  }
  const std::string upper = context.paths.container(container.record.id) + "/upper";
  if (!sys::exists(upper)) return {};  // it has never run
  layers.insert(layers.begin(), upper);
  BERTH_TRY(MergedDir now, MergedDir::open_root(layers));
  return tell_changes(before, now, "");
}

}  // namespace

void add_container_diff(Command noun, Context& context) {
  auto choice = std::make_shared<ContainerChoice>();
  Command command = noun.add_command("diff", "Inspect changes to files or directories on a container's filesystem");
  choose_container(command, *choice, false);
  command.runs(context, [&context, choice] { return report(context, diff(context, *choice)); });
}

}  // namespace berth::cli
