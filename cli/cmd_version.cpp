#include <fmt/core.h>

#include <memory>

#include "base/version.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/docker_compose.h"

namespace berth::cli {

void add_version(Command app, Context& context) {
  struct VersionFlags {
    bool brief = false;
    std::string format = "pretty";
  };
  auto flags = std::make_shared<VersionFlags>();
  Command command = app.add_command("version", "Show the berth version information");
  command.flag("--short", flags->brief, "Shows only the version number");
  command.option("-f,--format", flags->format, "Format the output").one_of({"pretty", "json"});
  command.dry_runs(context);
  command.runs(context, [&context, flags] {
    const char* version = context.as_docker_compose ? kComposeVersion : kVersion;
    if (flags->brief)
      fmt::print("{}\n", version);
    else if (flags->format == "json")
      fmt::print("{{\"version\":\"v{}\"}}\n", version);
    else
      fmt::print("{}\n", version_line(context));
    return 0;
  });
}

}  // namespace berth::cli
