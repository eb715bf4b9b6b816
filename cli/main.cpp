#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string_view>
#include <utility>

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

/// The first word that stands where a command does, known or not; "" if there is none.
std::string command_word(const CLI::App& app, int argc, char** argv) {
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
      return word;
  }
  return "";
}

using Add = void (*)(CLI::App& app, Context& context);

/// Those that are one word with one purpose, and used so often that making all the others for them would cost.
constexpr std::pair<std::string_view, Add> kCommands[] = {
    {"up", berth::cli::add_up},
    {"down", berth::cli::add_down},
    {"ps", berth::cli::add_ps},
    {"logs", berth::cli::add_logs},
    {"exec", berth::cli::add_exec},
    {"run", berth::cli::add_run},
    {"start", berth::cli::add_start},
    {"stop", berth::cli::add_stop},
    {"restart", berth::cli::add_restart},
    {"kill", berth::cli::add_kill},
    {"rm", berth::cli::add_rm},
    {"config", berth::cli::add_config},
    {"lint", berth::cli::add_lint},
    {"build", berth::cli::add_build},
    {"pull", berth::cli::add_pull},
    {"push", berth::cli::add_push},
    {"images", berth::cli::add_compose_images},
    {"version", berth::cli::add_version},
};

/// Nouns, Docker's words, and what is not a single command.
constexpr Add kOthers[] = {berth::cli::add_builder,      berth::cli::add_images, berth::cli::add_system_df,
                           berth::cli::add_system_prune, berth::cli::add_login,  berth::cli::add_completion};

/// The command that the word names, or all of them where help, a noun or a mistake asks for more.
void add_commands(CLI::App& app, Context& context, const std::string& word) {
  for (const auto& [name, add] : kCommands) {
    if (name == word) return add(app, context);
  }
  for (const auto& [name, add] : kCommands) add(app, context);
  for (Add add : kOthers) add(app, context);
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
  std::string word = command_word(app, argc, argv);
  add_commands(app, context, word);
  if (!word.empty() && !is_command(app, word)) return refuse_command(app, word);
  return berth::cli::parse_and_run(app, context, argc, argv);
}
