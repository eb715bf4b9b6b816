#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "compose/dotenv.h"
#include "compose/lint_rules.h"

namespace berth::compose {
namespace {

/// Whether some service takes the values of this file as they stand (format: raw).
bool is_raw(const LintInput& input, const std::string& name) {
  const Tree* services = input.model.tree.find("services");
  for (const Member& service : services == nullptr ? std::vector<Member>{} : services->members) {
    const Tree* files = service.value.find("env_file");
    for (const Tree& file : files == nullptr ? std::vector<Tree>{} : files->items) {
      const Tree* path = file.find("path");
      const Tree* format = file.find("format");
      if (path == nullptr || format == nullptr || format->text != "raw") continue;
      if (path->text == name || path->text.ends_with("/" + name)) return true;
    }
  }
  return false;
}

/// Text and name of each file of variables that was read, in alphabetical order.
std::vector<std::pair<std::string, const std::string*>> env_files(const LintInput& input) {
  std::vector<std::pair<std::string, const std::string*>> files;
  for (const auto& [name, text] : input.loaded.sources()) {
    if (!input.written.is_compose_file(name) && !is_raw(input, name)) files.emplace_back(name, &text);
  }
  std::sort(files.begin(), files.end());
  return files;
}

/// The first place where one of the texts stands; a line's comment does not count.
SourceSpan find_in(const std::string& name, const std::string& text, const std::vector<std::string>& wanted) {
  int number = 0;
  for (const std::string& line : split(text, '\n')) {
    ++number;
    if (trim(line).starts_with('#')) continue;
    for (const std::string& what : wanted) {
      size_t at = line.find(what);
      if (at == std::string::npos) continue;
      return {source_file(name), number, static_cast<int>(at + 1), static_cast<int>(what.size())};
    }
  }
  return {source_file(name), 0, 0, 0};
}

void eaten_dollar_in_file(const LintInput& input, const Report& report) {
  Lookup lookup = [&](std::string_view name) -> std::optional<std::string> {
    return input.is_set(std::string(name)) ? std::optional<std::string>("") : std::nullopt;
  };
  for (const auto& [name, text] : env_files(input)) {
    std::vector<std::string> unset;
    if (!parse_dotenv(*text, lookup, unset).ok()) continue;
    for (const std::string& variable : std::set<std::string>(unset.begin(), unset.end())) {
      report(find_in(name, *text, {"$" + variable, "${" + variable}),
             fmt::format("\"${}\" is a variable that nobody sets: nothing is left of it", variable),
             "put the value in single quotes if the dollar is meant", unset_variable_message(variable));
    }
  }
}

void comment_as_value(const LintInput& input, const Report& report) {
  for (const auto& [name, text] : env_files(input)) {
    std::vector<std::string> unset;
    Lookup nothing = [](std::string_view) { return std::optional<std::string>(); };
    Result<Variables> variables = parse_dotenv(*text, nothing, unset);
    if (!variables.ok()) continue;
    for (const Variable& variable : *variables) {
      if (!variable.value.starts_with("# ")) continue;
      report({source_file(name), variable.line, 1, static_cast<int>(variable.name.size())},
             fmt::format("the comment is the value of {}: \"{}\"", variable.name, variable.value.substr(0, 40)),
             "put the comment on a line of its own");
    }
  }
}

constexpr LintRule kEnvFileRules[] = {
    {"eaten-dollar-in-file", "the same in .env and env_file", eaten_dollar_in_file},
    {"comment-as-value", "NAME= # note: the note is the value", comment_as_value},
};

}  // namespace

std::span<const LintRule> rules_of_env_files() {
  return kEnvFileRules;
}

}  // namespace berth::compose
