#include "cli/go_flags.h"

#include <CLI/CLI.hpp>

namespace berth::cli {
namespace {

/// The flag of the command that `-x…` or `--long…` begins with.
const CLI::Option* flag_named(const CLI::App& command, const std::string& word) {
  std::string name = word.starts_with("--") ? word.substr(0, word.find('=')) : word.substr(0, 2);
  return command.get_option_no_throw(name);
}

bool takes_value(const CLI::Option& option) {
  return option.get_items_expected_max() > 0;
}

}  // namespace

CLI::App* command_named(const CLI::App& app, const std::string& word) {
  for (CLI::App* command : const_cast<CLI::App&>(app).get_subcommands({})) {
    if (command->check_name(word)) return command;
  }
  return nullptr;
}

std::vector<std::string> spelt_for_cli11(const CLI::App& app, int argc, const char* const* argv) {
  std::vector<std::string> words(argv + 1, argv + argc), spelt;
  const CLI::App* command = &app;
  size_t at = 0;
  for (; at < words.size() && words[at] != "--"; ++at) {
    const std::string& word = words[at];
    if (!word.starts_with('-')) {
      const CLI::App* below = command_named(*command, word);
      if (below == nullptr) break;
      command = below;
      spelt.push_back(word);
      continue;
    }
    const CLI::Option* option = flag_named(*command, word);
    bool short_with_equals = word.size() > 2 && word[1] != '-' && word[2] == '=';
    if (option != nullptr && short_with_equals && takes_value(*option)) {
      spelt.push_back(word.substr(0, 2));
      spelt.push_back(word.substr(3));
    } else if (option != nullptr && short_with_equals && !option->get_lnames().empty()) {
      spelt.push_back("--" + option->get_lnames().front() + word.substr(2));
    } else {
      spelt.push_back(word);
      bool alone = word.starts_with("--") ? word.find('=') == std::string::npos : word.size() == 2;
      if (option != nullptr && takes_value(*option) && alone && at + 1 < words.size()) spelt.push_back(words[++at]);
    }
  }
  spelt.insert(spelt.end(), words.begin() + static_cast<std::ptrdiff_t>(at), words.end());
  return spelt;
}

}  // namespace berth::cli
