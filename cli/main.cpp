#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "base/text.h"
#include "base/version.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/global_flags.h"

namespace {

using berth::cli::Context;

bool is_command(const CLI::App& app, const std::string& word) {
  std::vector<const CLI::App*> commands = app.get_subcommands({});
  return std::any_of(commands.begin(), commands.end(),
                     [&](const CLI::App* command) { return command->check_name(word); });
}

/// The first word that should be a command and is none; "" if the command line has no such word. CLI11 would only say
/// that a command is missing.
std::string unknown_command(const CLI::App& app, int argc, char** argv) {
  std::vector<std::string> with_value;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_items_expected() == 0) continue;
    for (const std::string& name : option->get_lnames()) with_value.push_back("--" + name);
    for (const std::string& name : option->get_snames()) with_value.push_back("-" + name);
  }
  for (int i = 1; i < argc; ++i) {
    std::string word = argv[i];
    if (std::find(with_value.begin(), with_value.end(), word) != with_value.end())
      ++i;
    else if (word[0] != '-')
      return is_command(app, word) ? "" : word;
  }
  return "";
}

int refuse_command(const CLI::App& app, const std::string& word) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands({})) names.push_back(command->get_name());
  fmt::print(stderr, "error: berth has no command \"{}\"\n", berth::printable(word));
  if (std::optional<std::string> near = berth::nearest(word, names))
    fmt::print(stderr, "  hint: did you mean \"{}\"?\n", *near);
  else
    fmt::print(stderr, "  hint: `berth --help` lists them\n");
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  Context context;
  context.paths = berth::sys::Paths::from_environment();
  CLI::App app("Brings Compose stacks up on Linux with nothing else installed.", "berth");
  app.require_subcommand(1);
  app.set_version_flag("-v,--version", std::string("berth version ") + berth::kVersion);
  berth::cli::add_global_flags(app, context);
  for (auto add : {berth::cli::add_up,
                   berth::cli::add_down,
                   berth::cli::add_ps,
                   berth::cli::add_logs,
                   berth::cli::add_exec,
                   berth::cli::add_run,
                   berth::cli::add_start,
                   berth::cli::add_stop,
                   berth::cli::add_restart,
                   berth::cli::add_kill,
                   berth::cli::add_rm,
                   berth::cli::add_config,
                   berth::cli::add_lint,
                   berth::cli::add_build,
                   berth::cli::add_builder,
                   berth::cli::add_pull,
                   berth::cli::add_push,
                   berth::cli::add_images,
                   berth::cli::add_compose_images,
                   berth::cli::add_system_df,
                   berth::cli::add_system_prune,
                   berth::cli::add_login,
                   berth::cli::add_completion,
                   berth::cli::add_version}) {
    add(app, context);
  }
  if (std::string word = unknown_command(app, argc, argv); !word.empty()) return refuse_command(app, word);
  return berth::cli::parse_and_run(app, context, argc, argv);
}
