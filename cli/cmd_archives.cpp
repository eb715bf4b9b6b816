#include "cli/cmd_archives.h"

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/noun.h"
#include "cli/project.h"

namespace berth::cli {
namespace {

void add_import(CLI::App& app, Context& context, const ArchiveCommands& commands) {
  auto flags = std::make_shared<ImportFlags>();
  CLI::App* command = app.add_subcommand("import", "Import the contents from a tarball to create a filesystem image");
  command->add_option("TAR", flags->source, "Root file system as a tar (plain, gzip, zstd, xz, bzip2), - for standard input")
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

void add_save(CLI::App& app, Context& context, const ArchiveCommands& commands) {
  auto flags = std::make_shared<SaveFlags>();
  CLI::App* command = app.add_subcommand("save", "Save one or more images to a tar archive");
  command->add_option("IMAGE", flags->images, "Names or ids; NAME without a tag stands for all of its tags")
      ->required();
  command->add_option("-o,--output", flags->output, "Write to a file, instead of standard output");
  command->callback([&context, flags, run = commands.save] {
    context.command = [&context, flags, run] { return report(context, run(*flags)); };
  });
}

void add_choice(CLI::App& command, ContainerChoice& choice, bool of_service) {
  choice.of_service = of_service;
  if (!of_service) {
    command.add_option("CONTAINER", choice.name, "Name or id")->required();
    return;
  }
  command.add_option("SERVICE", choice.name, "Service")->required();
  command.add_option("--index", choice.index, "Index of the container if service has multiple replicas");
}

void add_export(CLI::App& app, Context& context, const ArchiveCommands& commands, bool of_service) {
  auto flags = std::make_shared<ExportFlags>();
  CLI::App* command = app.add_subcommand("export", "Export a container's filesystem as a tar archive");
  add_choice(*command, flags->container, of_service);
  command->add_option("-o,--output", flags->output, "Write to a file, instead of standard output");
  command->callback([&context, flags, run = commands.export_container] {
    context.command = [&context, flags, run] { return report(context, run(*flags)); };
  });
}

void add_commit(CLI::App& app, Context& context, const ArchiveCommands& commands, bool of_service) {
  auto flags = std::make_shared<CommitFlags>();
  CLI::App* command = app.add_subcommand("commit", "Create a new image from a container's changes");
  add_choice(*command, flags->container, of_service);
  command->add_option("IMAGE", flags->image, "Name of the new image");
  command->add_option("-a,--author", flags->author, "Author, such as \"Jane Doe <jane@example.com>\"");
  command->add_option("-c,--change", flags->changes, "Apply Dockerfile instruction to the created image")
      ->allow_extra_args(false);
  command->add_option("-m,--message", flags->message, "Commit message");
  command->add_flag("-p,--pause,!--no-pause", flags->pause, "Pause container during commit (default true)");
  command->callback([&context, flags, run = commands.commit] {
    context.command = [&context, flags, run] { return report(context, run(*flags)); };
  });
}

void add_image_archives(CLI::App& app, Context& context, const ArchiveCommands& commands) {
  add_import(app, context, commands);
  add_load(app, context, commands);
  add_save(app, context, commands);
}

}  // namespace

void add_archive_commands(CLI::App& app, Context& context, const ArchiveCommands& commands) {
  add_image_archives(app, context, commands);
  add_image_archives(noun(app, "image"), context, commands);
  add_export(app, context, commands, true);
  add_commit(app, context, commands, true);
  add_export(noun(app, "container"), context, commands, false);
  add_commit(noun(app, "container"), context, commands, false);
}

}  // namespace berth::cli
