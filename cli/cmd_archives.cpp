#include "cli/cmd_archives.h"

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/project.h"

namespace berth::cli {
namespace {

void add_import(CLI::App& app, Context& context, const ArchiveCommands& commands) {
  auto flags = std::make_shared<ImportFlags>();
  CLI::App* command = app.add_subcommand("import", "Import the contents from a tarball to create a filesystem image");
  command->add_option("TAR", flags->source, "Root file system as a tar (plain, gzip, zstd, xz), - for standard input")
      ->required();
  command->add_option("NAME", flags->name, "Name of the image");
  command->add_option("-c,--change", flags->changes, "Apply Dockerfile instruction to the created image")
      ->allow_extra_args(false);
  command->add_option("-m,--message", flags->message, "Set commit message for imported image");
  command->add_option("--platform", flags->platform, "Platform of the image, such as linux/amd64");
  command->callback([&context, flags, run = commands.import] {
    context.command = [&context, flags, run] { return report(context, run(*flags)); };
  });
}

void add_load(CLI::App& app, Context& context, const ArchiveCommands& commands) {
  auto flags = std::make_shared<LoadFlags>();
  CLI::App* command = app.add_subcommand("load", "Load images from a docker-archive or OCI layout tar");
  command->add_option("-i,--input,ARCHIVE", flags->input, "Read from tar archive file, instead of standard input");
  command->add_option("--platform", flags->platform, "Load only this platform of a multi-platform image");
  command->add_flag("-q,--quiet", flags->quiet, "Suppress the load output");
  command->callback([&context, flags, run = commands.load] {
    context.command = [&context, flags, run] { return report(context, run(*flags)); };
  });
}

}  // namespace

void add_archive_commands(CLI::App& app, Context& context, const ArchiveCommands& commands) {
  add_import(app, context, commands);
  add_load(app, context, commands);
}

}  // namespace berth::cli
