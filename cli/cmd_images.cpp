// import, load, tag, rmi and the `image` noun: what brings images in and shows them.

#include <fmt/core.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "base/clock.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/project.h"
#include "cli/table.h"
#include "engine/state.h"
#include "images/import.h"
#include "images/load.h"
#include "images/reference.h"
#include "images/store.h"

namespace berth::cli {
namespace {

/// A line for each layer that has come in, on a terminal or not.
class Lines : public images::Progress {
 public:
  explicit Lines(bool quiet) : quiet_(quiet) {}
  void layer(const std::string& name, images::LayerPhase phase, uint64_t bytes, uint64_t) override {
    if (quiet_) return;
    if (phase == images::LayerPhase::done) fmt::print(stderr, " {}  Loaded  {}\n", printable(name), size_text(bytes));
    if (phase == images::LayerPhase::already_present) fmt::print(stderr, " {}  Already exists\n", printable(name));
  }
  void note(const std::string& text) override {
    if (!quiet_) fmt::print(stderr, "note: {}\n", printable(text));
  }
  static std::string size_text(uint64_t bytes) {
    constexpr const char* kUnits[] = {"B", "kB", "MB", "GB", "TB"};
    double value = static_cast<double>(bytes);
    size_t unit = 0;
    for (; value >= 1000 && unit + 1 < std::size(kUnits); ++unit) value /= 1000;
    return unit == 0 ? fmt::format("{}B", bytes) : fmt::format("{:.3g}{}", value, kUnits[unit]);
  }

 private:
  bool quiet_;
};

int report(const Context& context, const Status& status) {
  if (status) return 0;
  print_error(context, status.error());
  return 1;
}

/// Images that some container, running or not, was made from.
std::vector<images::Digest> images_in_use(const Context& context) {
  std::vector<images::Digest> ids;
  for (const engine::Container& container : engine::StateStore(context.paths).observe().containers) {
    if (Result<images::Digest> id = images::Digest::parse(container.record.image_id))
      ids.push_back(std::move(id).value());
  }
  return ids;
}

struct ImportFlags {
  std::string source, name, message, platform;
  std::vector<std::string> changes;
};

Status import(const Context& context, const ImportFlags& flags) {
  BERTH_TRY(images::Store store, images::Store::open(context.paths));
  images::ImportRequest request;
  request.name = flags.name;
  request.changes = flags.changes;
  request.message = flags.message;
  if (!flags.platform.empty()) {
    BERTH_TRY(request.platform, images::parse_platform(flags.platform));
  }
  Lines lines(true);
  Result<images::Image> image = flags.source == "-"
                                    ? images::import_tar(store, sys::FdRef(STDIN_FILENO), request, &lines)
                                    : images::import_tar(store, flags.source, request, &lines);
  if (!image) return std::move(image).error();
  fmt::print("{}\n", image->id.str());
  return {};
}

struct LoadFlags {
  std::string input, platform;
  bool quiet = false;
};

Status load(const Context& context, const LoadFlags& flags) {
  if (flags.input.empty() && isatty(STDIN_FILENO) == 1) {
    return make_error("no archive: standard input is a terminal", "name it: berth load -i ARCHIVE");
  }
  BERTH_TRY(images::Store store, images::Store::open(context.paths));
  images::Platform platform = images::host_platform();
  if (!flags.platform.empty()) {
    BERTH_TRY(platform, images::parse_platform(flags.platform));
  }
  Lines lines(flags.quiet);
  bool from_stdin = flags.input.empty() || flags.input == "-";
  Result<std::vector<images::LoadedImage>> loaded =
      from_stdin ? images::load_archive(store, sys::FdRef(STDIN_FILENO), platform, &lines)
                 : images::load_archive(store, flags.input, platform, &lines);
  if (!loaded) return std::move(loaded).error();
  for (const images::LoadedImage& image : *loaded) {
    if (image.names.empty()) fmt::print("Loaded image ID: {}\n", image.id.str());
    for (const std::string& name : image.names)
      fmt::print("Loaded image: {}\n", printable(images::familiar_name(name)));
  }
  return {};
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
                      image.created.substr(0, 10), Lines::size_text(image.size)});
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

void add_import(CLI::App& app, Context& context) {
  auto flags = std::make_shared<ImportFlags>();
  CLI::App* command = app.add_subcommand("import", "Import the contents from a tarball to create a filesystem image");
  command->add_option("TAR", flags->source, "Root file system as a tar (plain, gzip, zstd, xz), - for standard input")
      ->required();
  command->add_option("NAME", flags->name, "Name of the image");
  command->add_option("-c,--change", flags->changes, "Apply Dockerfile instruction to the created image")
      ->allow_extra_args(false);
  command->add_option("-m,--message", flags->message, "Set commit message for imported image");
  command->add_option("--platform", flags->platform, "Platform of the image, such as linux/amd64");
  command->callback(
      [&context, flags] { context.command = [&context, flags] { return report(context, import(context, *flags)); }; });
}

void add_load(CLI::App& app, Context& context) {
  auto flags = std::make_shared<LoadFlags>();
  CLI::App* command = app.add_subcommand("load", "Load images from a docker-archive or OCI layout tar");
  command->add_option("-i,--input,ARCHIVE", flags->input, "Read from tar archive file, instead of standard input");
  command->add_option("--platform", flags->platform, "Load only this platform of a multi-platform image");
  command->add_flag("-q,--quiet", flags->quiet, "Suppress the load output");
  command->callback(
      [&context, flags] { context.command = [&context, flags] { return report(context, load(context, *flags)); }; });
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
  add_import(app, context);
  add_load(app, context);
  add_tag(app, context);
  add_remove(app, context, "rmi");
  CLI::App* noun = app.add_subcommand("image", "Manage images");
  noun->require_subcommand(1);
  add_list(*noun, context, "ls");
  add_remove(*noun, context, "rm");
  add_import(*noun, context);
  add_load(*noun, context);
  add_tag(*noun, context);
}

}  // namespace berth::cli
