#include <fmt/core.h>

#include <cerrno>

#include "base/text.h"
#include "cli/container_choice.h"
#include "cli/images/commands.h"
#include "cli/output_file.h"
#include "images/tree_tar.h"
#include "sys/file.h"
#include "volumes/merged_tree.h"

// The file system of a container is read from the directories that overlayfs stacks, not through a mount: that takes no
// privilege of its own, works whether the container runs or not, and shows nothing of what is mounted in it (volumes,
// as with Docker).

namespace berth::cli {
namespace {

using volumes::MergedDir;

Status write_tree(const MergedDir& dir, const std::string& prefix, images::TreeTar& tree) {
  BERTH_TRY(std::vector<MergedDir::Entry> entries, dir.entries());
  for (const MergedDir::Entry& entry : entries) {
    std::string path = prefix + entry.name;
    BERTH_TRY(bool added, tree.add(dir.home(entry), entry.name, path));
    if (!added || !S_ISDIR(entry.info.st_mode)) continue;
    Result<MergedDir> child = dir.child(entry);
    if (!child && (child.error().code == ENOENT || child.error().code == ENOTDIR)) continue;  // taken away meanwhile
    if (!child) return std::move(child).error();
    BERTH_TRY_OK(write_tree(*child, path + "/", tree));
  }
  return {};
}

}  // namespace

Status export_container(const Context& context, const ExportFlags& flags) {
  BERTH_TRY(engine::Container container, find_container(context, flags.container));
  std::vector<std::string> layers = container.record.layers;
  std::string upper = context.paths.container(container.record.id) + "/upper";
  if (sys::exists(upper)) layers.insert(layers.begin(), upper);  // made at the first start
  BERTH_TRY(MergedDir root, MergedDir::open_root(layers));
  BERTH_TRY(OutputFile output, OutputFile::open(flags.output));
  images::TarWriter tar([&](std::string_view bytes) { return output.write(bytes); });
  images::TreeTar tree(tar);
  BERTH_TRY_OK(write_tree(root, "", tree).context("export {}", container.record.name));
  BERTH_TRY_OK(tar.finish());
  return output.complete();
}

}  // namespace berth::cli
