#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "base/version.h"
#include "cli/commands.h"
#include "cli/context.h"

namespace berth::cli {

void add_version(CLI::App& app, Context& context) {
  struct Flags {
    bool brief = false;
    std::string format = "pretty";
  };
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("version", "Show the berth version information");
  command->add_flag("--short", flags->brief, "Shows only the version number");
  command->add_option("-f,--format", flags->format, "Format the output")->check(CLI::IsMember({"pretty", "json"}));
  command->callback([&context, flags] {
    context.command = [flags] {
      if (flags->brief)
        fmt::print("{}\n", kVersion);
      else if (flags->format == "json")
        fmt::print("{{\"version\":\"v{}\"}}\n", kVersion);
      else
        fmt::print("berth version v{}\n", kVersion);
      return 0;
    };
  });
}

}  // namespace berth::cli
