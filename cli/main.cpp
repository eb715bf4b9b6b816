#include <fmt/core.h>

#include <CLI/CLI.hpp>

#include "base/text.h"
#include "base/version.h"
#include "cli/commands.h"
#include "cli/context.h"

namespace {

using berth::cli::Context;

void add_global_flags(CLI::App& app, Context& context) {
  app.add_option("-f,--file", context.files, "Compose configuration files")->allow_extra_args(false);
  app.add_option("-p,--project-name", context.project_name, "Project name");
  app.add_option("--project-directory", context.project_directory, "Alternate working directory");
  app.add_option("--profile", context.profiles, "Profile to enable")->allow_extra_args(false);
  app.add_option("--env-file", context.env_files, "Alternate environment file")->allow_extra_args(false);
  app.add_option("--parallel", context.parallel, "Maximum parallelism, -1 for unlimited");
  app.add_option("--progress", context.progress, "Type of progress output")->check(CLI::IsMember({"auto", "tty", "plain", "json", "quiet"}));
  app.add_option("--ansi", context.ansi, "When to print control characters")->check(CLI::IsMember({"never", "always", "auto"}));
}

/// What CLI11 does not say of itself: the nearest command for a word that is none.
void hint_at_command(const CLI::App& app, int argc, char** argv) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands({})) names.push_back(command->get_name());
  for (int i = 1; i < argc; ++i) {
    if (argv[i][0] == '-') continue;
    if (std::optional<std::string> near = berth::nearest(argv[i], names)) {
      if (*near != argv[i]) fmt::print(stderr, "  hint: did you mean \"{}\"?\n", *near);
    }
    return;
  }
}

}  // namespace

int main(int argc, char** argv) {
  Context context;
  context.paths = berth::sys::Paths::from_environment();
  CLI::App app("Brings Compose stacks up on Linux with nothing else installed.", "berth");
  app.require_subcommand(1);
  app.failure_message(CLI::FailureMessage::simple);
  app.set_version_flag("-v,--version", std::string("berth version ") + berth::kVersion);
  add_global_flags(app, context);
  for (auto add : {berth::cli::add_up, berth::cli::add_down, berth::cli::add_ps, berth::cli::add_logs, berth::cli::add_exec,
                   berth::cli::add_start, berth::cli::add_stop, berth::cli::add_restart, berth::cli::add_kill, berth::cli::add_rm,
                   berth::cli::add_config, berth::cli::add_images, berth::cli::add_version}) {
    add(app, context);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    int code = app.exit(e, std::cout, std::cerr);
    if (code == 0) return 0;
    hint_at_command(app, argc, argv);
    return 1;
  }
  return context.command();
}
