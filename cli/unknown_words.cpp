#include "cli/unknown_words.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <optional>

#include "base/text.h"

namespace berth::cli {
namespace {

std::vector<std::string> long_flags(const CLI::App& app) {
  std::vector<std::string> flags;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_group().empty()) continue;
    for (const std::string& name : option->get_lnames()) flags.push_back("--" + name);
  }
  return flags;
}

bool has_flag(const CLI::App& app, const std::string& flag) {
  const CLI::Option* option = app.get_option_no_throw(flag);
  return option != nullptr && !option->get_group().empty();
}

/// Where the flag is known, or which other one could be meant.
std::string flag_hint(const CLI::App& root, const CLI::App& command, const std::string& flag) {
  const std::string path = path_of(command);
  if (&command != &root && has_flag(root, flag)) {
    const std::string behind = path.substr(path.find(' '));
    return fmt::format("it stands before the command: {} {} ...{}", path.substr(0, path.find(' ')), flag, behind);
  }
  if (flag.starts_with("--")) {
    if (std::optional<std::string> near = nearest(flag, long_flags(command)))
      return fmt::format("did you mean \"{}\"?", *near);
  }
  return fmt::format("`{} --help` lists them", path);
}

}  // namespace

bool is_unknown_flag(const CLI::App& app, const std::string& word) {
  if (word.size() < 2 || word == "--" || !word.starts_with('-')) return false;
  return app.get_option_no_throw(word.starts_with("--") ? word.substr(0, word.find('=')) : word.substr(0, 2)) ==
         nullptr;
}

std::string path_of(const CLI::App& command) {
  const CLI::App* parent = command.get_parent();
  return parent == nullptr ? command.get_name() : path_of(*parent) + " " + command.get_name();
}

int refuse_command(const CLI::App& app, const std::string& path, const std::string& word) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands({})) {
    if (command->get_group().empty()) continue;
    names.push_back(command->get_name());
    for (const std::string& alias : command->get_aliases()) names.push_back(alias);
  }
  fmt::print(stderr, "error: {} has no command \"{}\"\n", path, printable(word));
  if (std::optional<std::string> near = nearest(word, names))
    fmt::print(stderr, "  hint: did you mean \"{}\"?\n", *near);
  else
    fmt::print(stderr, "  hint: `{} --help` lists them\n", path);
  return 1;
}

int refuse_words(const CLI::App& root, const CLI::App& command, const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    if (!word.starts_with('-') || word == "--") continue;
    const std::string flag = word.starts_with("--") ? word.substr(0, word.find('=')) : word.substr(0, 2);
    fmt::print(stderr, "error: {}: unknown flag: {}\n  hint: {}\n", path_of(command), printable(flag),
               flag_hint(root, command, flag));
    return 1;
  }
  fmt::print(stderr, "error: {} takes no argument \"{}\"\n  hint: `{} --help` shows what it takes\n", path_of(command),
             printable(words.empty() ? "" : words.front()), path_of(command));
  return 1;
}

}  // namespace berth::cli
