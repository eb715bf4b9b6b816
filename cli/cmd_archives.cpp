#include "cli/cmd_archives.h"

#include <memory>

#include "cli/project.h"

namespace berth::cli {
namespace {

void add_import(Command app, Context& context, const ArchiveCommands& commands) {
  auto flags = std::make_shared<ImportFlags>();
  Command command = app.add_command("import", "Import the contents from a tarball to create a filesystem image");
  command.option("TAR", flags->source, "Root file system as a tar (plain, gzip, zstd, xz, bzip2), - for standard input")
      .required();
  command.option("NAME", flags->name, "Name of the image");
  command.option("-c,--change", flags->changes, "Apply Dockerfile instruction to the created image");
  command.option("-m,--message", flags->message, "Set commit message for imported image");
  command.option("--platform", flags->platform, "Platform of the image, such as linux/amd64");
  command.runs(context, [&context, flags, run = commands.import] { return report(context, run(*flags)); });
}

void add_load(Command app, Context& context, const ArchiveCommands& commands) {
  auto flags = std::make_shared<LoadFlags>();
  Command command = app.add_command("load", "Load images from a docker-archive or OCI layout tar");
  command.option("-i,--input,ARCHIVE", flags->input, "Read from tar archive file, instead of standard input");
  command.option("--platform", flags->platform, "Load only this platform of a multi-platform image");
  command.flag("-q,--quiet", flags->quiet, "Suppress the load output");
  command.runs(context, [&context, flags, run = commands.load] { return report(context, run(*flags)); });
}

void add_save(Command app, Context& context, const ArchiveCommands& commands) {
  auto flags = std::make_shared<SaveFlags>();
  Command command = app.add_command("save", "Save one or more images to a tar archive");
  command.option("IMAGE", flags->images, "Names or ids; NAME without a tag stands for all of its tags").required();
  command.option("-o,--output", flags->output, "Write to a file, instead of standard output");
  command.runs(context, [&context, flags, run = commands.save] { return report(context, run(*flags)); });
}

void add_export(Command app, Context& context, const ArchiveCommands& commands, bool of_service) {
  auto flags = std::make_shared<ExportFlags>();
  Command command = app.add_command("export", "Export a container's filesystem as a tar archive");
  choose_container(command, flags->container, of_service);
  command.option("-o,--output", flags->output, "Write to a file, instead of standard output");
  command.runs(context, [&context, flags, run = commands.export_container] { return report(context, run(*flags)); });
}

void add_commit(Command app, Context& context, const ArchiveCommands& commands, bool of_service) {
  auto flags = std::make_shared<CommitFlags>();
  Command command = app.add_command("commit", "Create a new image from a container's changes");
  choose_container(command, flags->container, of_service);
  command.option("IMAGE", flags->image, "Name of the new image");
  command.option("-a,--author", flags->author, "Author, such as \"Jane Doe <jane@example.com>\"");
  command.option("-c,--change", flags->changes, "Apply Dockerfile instruction to the created image");
  command.option("-m,--message", flags->message, "Commit message");
  command.flag("-p,--pause,!--no-pause", flags->pause, "Pause container during commit (default true)");
  command.runs(context, [&context, flags, run = commands.commit] { return report(context, run(*flags)); });
}

void add_image_archives(Command app, Context& context, const ArchiveCommands& commands) {
  add_import(app, context, commands);
  add_load(app, context, commands);
  add_save(app, context, commands);
}

}  // namespace

void add_archive_commands(Command app, Context& context, const ArchiveCommands& commands) {
  add_image_archives(app, context, commands);
  add_image_archives(app.noun("image"), context, commands);
  add_export(app, context, commands, true);
  add_commit(app, context, commands, true);
  add_export(app.noun("container"), context, commands, false);
  add_commit(app.noun("container"), context, commands, false);
}

}  // namespace berth::cli
