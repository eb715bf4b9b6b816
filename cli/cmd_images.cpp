// tag, rmi and the `image` noun: the images that are there.

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "base/text.h"
#include "cli/cmd_archives.h"
#include "cli/cmd_transfer.h"
#include "cli/commands.h"
#include "cli/helper.h"
#include "cli/image_commands.h"
#include "cli/noun.h"
#include "cli/project.h"
#include "engine/state.h"
#include "images/reference.h"
#include "images/store.h"

namespace berth::cli {
namespace {

/// Images that some container, running or not, was made from.
std::vector<images::Digest> images_in_use(const Context& context) {
  std::vector<images::Digest> ids;
  for (const engine::Container& container : engine::StateStore(context.paths).observe().containers) {
    if (Result<images::Digest> id = images::Digest::parse(container.record.image_id))
      ids.push_back(std::move(id).value());
  }
  return ids;
}

Status remove(const Context& context, const std::vector<std::string>& names) {
  BERTH_TRY(images::Store store, images::Store::open(context.paths));
  std::vector<images::Digest> in_use = images_in_use(context);
  for (const std::string& name : names) {
    BERTH_TRY(images::RemovedImage removed, store.remove(name, in_use));
    for (const std::string& untagged : removed.untagged)
      fmt::print("Untagged: {}\n", printable(images::familiar_name(untagged)));
    if (removed.deleted) fmt::print("Deleted: {}\n", removed.deleted->str());
  }
  return {};
}

Status tag(const Context& context, const std::string& source, const std::string& name) {
  BERTH_TRY(images::Store store, images::Store::open(context.paths));
  return store.tag(source, name);
}

void add_remove(CLI::App& app, Context& context, const std::string& name) {
  auto names = std::make_shared<std::vector<std::string>>();
  CLI::App* command = app.add_subcommand(name, "Remove one or more images");
  command->add_option("IMAGE", *names, "Names or ids")->required();
  command->callback(
      [&context, names] { context.command = [&context, names] { return report(context, remove(context, *names)); }; });
}

void add_tag(CLI::App& app, Context& context) {
  auto names = std::make_shared<std::pair<std::string, std::string>>();
  CLI::App* command = app.add_subcommand("tag", "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE");
  command->add_option("SOURCE_IMAGE", names->first)->required();
  command->add_option("TARGET_IMAGE", names->second)->required();
  command->callback([&context, names] {
    context.command = [&context, names] { return report(context, tag(context, names->first, names->second)); };
  });
}

}  // namespace

void add_images(CLI::App& app, Context& context) {
  auto elsewhere = [&context](const auto&) -> Status { return become_helper("berth-images", context.argv); };
  add_archive_commands(app, context, {elsewhere, elsewhere, elsewhere, elsewhere, elsewhere});
  add_tag(app, context);
  add_remove(app, context, "rmi");
  add_image_history(app, context);
  CLI::App& image = noun(app, "image");
  auto transfer = [elsewhere, &context](const ImageTransferFlags& flags) { return report(context, elsewhere(flags)); };
  add_image_transfer_commands(image, context, {transfer, transfer});
  add_image_ls(image, context);
  add_image_inspect(image, context);
  add_image_history(image, context);
  add_remove(image, context, "rm");
  add_tag(image, context);
}

}  // namespace berth::cli
