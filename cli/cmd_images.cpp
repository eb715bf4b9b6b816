// tag, rmi and the `image` noun: the images that are there.

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "base/clock.h"
#include "base/text.h"
#include "cli/cmd_archives.h"
#include "cli/cmd_transfer.h"
#include "cli/commands.h"
#include "cli/helper.h"
#include "cli/project.h"
#include "cli/sizes.h"
#include "cli/table.h"
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

Status list(const Context& context, bool quiet) {
  BERTH_TRY(images::Store store, images::Store::open(context.paths));
  std::vector<Error> damaged;
  BERTH_TRY(std::vector<images::Image> images, store.list(&damaged));
  for (const Error& error : damaged) fmt::print(stderr, "warning: {}\n", printable(error.message()));
  std::vector<std::vector<std::string>> rows;
  for (const images::Image& image : images) {
    std::string id = image.id.str().substr(7, 12);
    if (quiet) fmt::print("{}\n", id);
    std::vector<std::string> names = image.names.empty() ? std::vector<std::string>{"<none>:<none>"} : image.names;
    for (const std::string& name : names) {
      std::string familiar = images::familiar_name(name);
      size_t colon = familiar.rfind(':');
      rows.push_back({familiar.substr(0, colon), colon == std::string::npos ? "<none>" : familiar.substr(colon + 1), id,
                      image.created.substr(0, 10), size_text(image.size)});
    }
  }
  if (!quiet) fmt::print("{}", render_table({"REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE"}, rows));
  return {};
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

void add_list(CLI::App& app, Context& context, const std::string& name) {
  auto quiet = std::make_shared<bool>(false);
  CLI::App* command = app.add_subcommand(name, "List images");
  command->add_flag("-q,--quiet", *quiet, "Only show image IDs");
  command->callback(
      [&context, quiet] { context.command = [&context, quiet] { return report(context, list(context, *quiet)); }; });
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
  auto elsewhere = [&context]() -> Status { return become_helper("berth-images", context.argv); };
  ArchiveCommands archives{[elsewhere](const ImportFlags&) { return elsewhere(); },
                           [elsewhere](const LoadFlags&) { return elsewhere(); }};
  add_archive_commands(app, context, archives);
  add_tag(app, context);
  add_remove(app, context, "rmi");
  CLI::App* noun = app.add_subcommand("image", "Manage images");
  noun->require_subcommand(1);
  add_list(*noun, context, "ls");
  add_remove(*noun, context, "rm");
  add_archive_commands(*noun, context, archives);
  auto transfer = [elsewhere, &context](const ImageTransferFlags&) { return report(context, elsewhere()); };
  add_image_transfer_commands(*noun, context, {transfer, transfer});
  add_tag(*noun, context);
}

}  // namespace berth::cli
