#include "cli/flag_table.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>

#include "base/text.h"

namespace berth::cli {
namespace {

/// The sets of names that mean the same: all of an option, but those that negate it, and each that is ignored, are by
/// themselves.
std::vector<std::vector<std::string>> meanings(const CLI::Option& option, bool ignored) {
  std::vector<std::vector<std::string>> sets;
  std::vector<std::string> plain;
  auto add = [&](const std::string& dashes, const std::string& name) {
    const bool negates = option.check_fname(name) && option.get_flag_value(name, "") == "false";
    if (negates || ignored)
      sets.push_back({dashes + name});
    else
      plain.push_back(dashes + name);
  };
  for (const std::string& name : option.get_snames()) add("-", name);
  for (const std::string& name : option.get_lnames()) add("--", name);
  if (!plain.empty()) sets.push_back(plain);
  return sets;
}

void add_lines(const CLI::App& app, const std::string& path, std::string& text) {
  text += fmt::format("{}\t{}\n", app.get_prefix_command() ? "prefix" : "command", path);
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional()) continue;
    const bool ignored = option->get_description().ends_with(kMeaningless),
               with_value = option->get_items_expected_max() > 0;
    const char* kind = ignored ? (with_value ? "taken-value" : "taken") : (with_value ? "value" : "flag");
    for (const std::vector<std::string>& names : meanings(*option, ignored))
      text += fmt::format("{}\t{}\t{}\n", kind, path, join(names, ","));
  }
  for (const CLI::App* command : app.get_subcommands({}))
    add_lines(*command, path.empty() ? command->get_name() : path + " " + command->get_name(), text);
}

}  // namespace

std::string flag_table(const CLI::App& app) {
  std::string text;
  add_lines(app, "", text);
  return text;
}

}  // namespace berth::cli
