#include "cli/global_flags.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>

#include "cli/go_flags.h"

namespace berth::cli {

void add_global_flags(CLI::App& app, Context& context) {
  app.add_option("-f,--file", context.files, "Compose configuration files")->allow_extra_args(false);
  app.add_option("-p,--project-name", context.project_name, "Project name");
  app.add_option("--project-directory", context.project_directory, "Alternate working directory");
  app.add_option("--profile", context.profiles, "Profile to enable")->allow_extra_args(false);
  app.add_option("--env-file", context.env_files, "Alternate environment file")->allow_extra_args(false);
  app.add_option("--parallel", context.parallel, "Maximum parallelism, -1 for unlimited");
  app.add_option("--progress", context.progress, "Type of progress output")
      ->check(CLI::IsMember({"auto", "tty", "plain", "json", "quiet"}));
  app.add_option("--ansi", context.ansi, "When to print control characters")
      ->check(CLI::IsMember({"never", "always", "auto"}));
}

int parse_and_run(CLI::App& app, Context& context, int argc, char** argv) {
  context.argv = argv;
  app.failure_message(CLI::FailureMessage::simple);
  try {
    std::vector<std::string> words = spelt_for_cli11(app, argc, argv);
    std::reverse(words.begin(), words.end());  // as CLI11 wants them
    app.parse(std::move(words));
  } catch (const CLI::ParseError& e) {
    return app.exit(e, std::cout, std::cerr) == 0 ? 0 : 1;
  }
  return context.command();
}

}  // namespace berth::cli
