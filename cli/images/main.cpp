// berth-images: brings images in and out, and reads and writes archives of images and containers. A program of its own,
// because the decompressors and the registry client it needs would cost every other command their loading
// (docs/decisions/0008).

#include <fmt/core.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/cmd_archives.h"
#include "cli/cmd_login.h"
#include "cli/command_line.h"
#include "cli/helper_program.h"
#include "cli/images/commands.h"
#include "cli/images/login.h"
#include "cli/images/transfers.h"
#include "cli/project.h"
#include "cli/sizes.h"
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

 private:
  bool quiet_;
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

Status load(const Context& context, const LoadFlags& flags) {
  if (flags.input.empty() && isatty(STDIN_FILENO) == 1) {
    return make_error("no archive: standard input is a terminal", "name it: berth load -i ARCHIVE");
  }
  BERTH_TRY(images::Store store, images::Store::open(context.paths));
  std::optional<images::Platform> platform;
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

}  // namespace
}  // namespace berth::cli

int main(int argc, char** argv) {
  using namespace berth::cli;
  Context context;
  context.paths = berth::sys::Paths::from_environment();
  CommandLine line("Reads and writes archives of images for berth.", context);
  Command app = line.root();
  allow_many_files();
  add_archive_commands(app, context,
                       {[&](const ImportFlags& flags) { return import(context, flags); },
                        [&](const LoadFlags& flags) { return load(context, flags); },
                        [&](const SaveFlags& flags) { return save(context, flags); },
                        [&](const ExportFlags& flags) { return export_container(context, flags); },
                        [&](const CommitFlags& flags) { return commit(context, flags); }});
  add_copy_commands(app, context, [&](const CopyFlags& flags) { return copy_files(context, flags); });
  add_image_transfer_commands(app.noun("image"), context,
                              {[&](const ImageTransferFlags& flags) { return pull_image(context, flags); },
                               [&](const ImageTransferFlags& flags) { return push_image(context, flags); }});
  add_login_commands(app, context,
                     {[&](const LoginFlags& flags) { return report(context, log_in(flags)); },
                      [&](const std::string& server) { return report(context, log_out(server)); }});
  app.add_command("transfer").runs(context, [&] { return transfer_images(context); });
  app.add_command("fetch").runs(context, [&] { return fetch_file(context); });
  return line.parse_and_run(argc, argv);
}
