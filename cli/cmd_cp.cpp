#include "cli/cmd_cp.h"

#include <fmt/core.h>

#include <memory>

#include "base/text.h"
#include "cli/project.h"

namespace berth::cli {
namespace {

void add(Command app, Context& context, const CopyCommand& copy, bool of_service) {
  auto flags = std::make_shared<CopyFlags>();
  flags->of_service = of_service;
  Command command =
      app.add_command("cp", of_service ? "Copy files/folders between a service container and the local filesystem"
                                       : "Copy files/folders between a container and the local filesystem");
  std::string name = of_service ? "SERVICE" : "CONTAINER";
  command.option("SRC_PATH", flags->source, name + ":PATH, a path here, or - for a tar on standard input").required();
  command.option("DEST_PATH", flags->target, name + ":PATH, a path here, or - for a tar on standard output").required();
  command.flag("-a,--archive", flags->archive, "Archive mode (copy all uid/gid information)");
  command.flag("-L,--follow-link", flags->follow_link, "Always follow symbol link in SRC_PATH");
  if (of_service) {
    command.option("--index", flags->index, "Index of the container if service has multiple replicas");
    command.flag("--all", flags->all, "Include containers created by the run command");
  } else {
    command.flag("-q,--quiet", flags->quiet, "Suppress progress output during copy");
  }
  if (of_service) command.dry_runs(context);
  command.runs(context, [&context, flags, copy] {
    if (!context.dry_run) return report(context, copy(*flags));
    fmt::print("copy {} to {}\n", printable(flags->source), printable(flags->target));
    return 0;
  });
}

}  // namespace

void add_copy_commands(Command app, Context& context, const CopyCommand& copy) {
  add(app, context, copy, true);
  add(app.noun("container"), context, copy, false);
}

}  // namespace berth::cli
