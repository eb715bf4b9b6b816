// tag, rmi and the `image` noun: the images that are there.

#include <fmt/core.h>

#include <cerrno>
#include <memory>

#include "base/text.h"
#include "cli/cmd_archives.h"
#include "cli/cmd_cp.h"
#include "cli/cmd_image_build.h"
#include "cli/cmd_transfer.h"
#include "cli/commands.h"
#include "cli/helper.h"
#include "cli/image_commands.h"
#include "cli/project.h"
#include "cli/prune.h"
#include "engine/state.h"
#include "images/reference.h"
#include "images/store.h"

namespace berth::cli {
namespace {

struct ImagesRemoveFlags {
  std::vector<std::string> images;
  bool force = false, no_prune = false;
};

/// Docker's conflict: the last name of an image that a container was made from goes only by force.
Status check_unused(const Context& context, const images::Store& store, const std::string& name) {
  BERTH_TRY(images::Image image, store.resolve(name));
  bool by_name = image.names.size() > 1 && !image.id.hex().starts_with(name) && !image.id.str().starts_with(name);
  if (by_name) return {};
  for (const engine::Container& container : engine::StateStore(context.paths).observe().containers) {
    const std::vector<engine::MountConfig>& mounts = container.record.mounts;
    bool mounted =
        std::any_of(mounts.begin(), mounts.end(), [&](const auto& mount) { return mount.image_id == image.id.str(); });
    if (container.record.image_id != image.id.str() && !mounted) continue;
    return make_error(fmt::format("image {} is used by container {}", printable(name), container.record.name),
                      "remove the container first, or take only the name away with -f");
  }
  return {};
}

Status remove_one(const Context& context, images::Store& store, const std::string& name, bool force) {
  if (!force) BERTH_TRY_OK(check_unused(context, store, name));
  BERTH_TRY(images::RemovedImage removed, store.remove(name, [&] { return images_in_use(context); }));
  for (const std::string& untagged : removed.untagged)
    fmt::print("Untagged: {}\n", printable(images::familiar_name(untagged)));
  if (removed.deleted) fmt::print("Deleted: {}\n", removed.deleted->str());
  return {};
}

/// What can be removed is, whatever becomes of the others; by force, what is not there is no failure.
int remove(const Context& context, const ImagesRemoveFlags& flags) {
  Result<images::Store> store = images::Store::open(context.paths);
  if (!store) return report(context, std::move(store).error());
  int code = 0;
  for (const std::string& name : flags.images) {
    Status removed = remove_one(context, *store, name, flags.force);
    bool missing = !removed && removed.error().code == ENOENT;
    if (report(context, removed) != 0 && !(flags.force && missing)) code = 1;
  }
  return code;
}

Status tag(const Context& context, const std::string& source, const std::string& name) {
  BERTH_TRY(images::Store store, images::Store::open(context.paths));
  return store.tag(source, name);
}

void add_remove(Command app, Context& context, const std::string& name) {
  auto flags = std::make_shared<ImagesRemoveFlags>();
  Command command = app.add_command(name, "Remove one or more images");
  command.option("IMAGE", flags->images, "Names or ids").required();
  command.flag("-f,--force", flags->force, "Force removal of the image");
  command.flag("--no-prune", flags->no_prune,
               "Do not delete untagged parents; there are none, so without meaning here");
  command.runs(context, [&context, flags] { return remove(context, *flags); });
}

void add_tag(Command app, Context& context) {
  auto names = std::make_shared<std::pair<std::string, std::string>>();
  Command command = app.add_command("tag", "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE");
  command.option("SOURCE_IMAGE", names->first).required();
  command.option("TARGET_IMAGE", names->second).required();
  command.runs(context, [&context, names] { return report(context, tag(context, names->first, names->second)); });
}

}  // namespace

void add_images(Command app, Context& context) {
  auto elsewhere = [&context](const auto&) -> Status { return become_helper("berth-images", context.argv); };
  add_archive_commands(app, context, {elsewhere, elsewhere, elsewhere, elsewhere, elsewhere});
  add_copy_commands(app, context, elsewhere);
  add_tag(app, context);
  add_remove(app, context, "rmi");
  add_image_history(app, context);
  Command image = app.noun("image");
  auto transfer = [elsewhere, &context](const ImageTransferFlags& flags) { return report(context, elsewhere(flags)); };
  add_image_transfer_commands(image, context, {transfer, transfer});
  add_image_build(image, context, [&context](const Result<BuildOrder>&) {
    return report(context, become_helper("berth-build", context.argv));
  });
  add_image_ls(image, context);
  add_image_inspect(image, context);
  add_image_history(image, context);
  add_image_prune(image, context);
  add_remove(image, context, "rm");
  add_tag(image, context);
}

}  // namespace berth::cli
