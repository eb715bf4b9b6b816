#include "compose/scope.h"

#include <fmt/core.h>

#include "compose/dotenv.h"
#include "compose/passes.h"

namespace berth::compose {
namespace {

/// Gives the value a way: what its variables are and where they were set.
void note_variables(Tree& tree, const std::set<std::string>& used, const Scope& scope) {
  for (const std::string& name : used) {
    auto place = scope.places.find(name);
    bool in_file = place != scope.places.end();
    std::string how = fmt::format("the variable \"{}\" is set {}", name, in_file ? "here" : "in the environment");
    SourceFile step{tree.span.file->name, std::move(how), in_file ? place->second : SourceSpan{}, tree.span.file, name};
    tree.span.file = std::make_shared<const SourceFile>(std::move(step));
  }
}

void interpolate_scalar(Tree& tree, const Scope& scope, std::set<std::string>& warned, Diagnostics& diagnostics) {
  if (tree.text.find('$') == std::string::npos) return;
  std::vector<std::string> unset;
  std::set<std::string> used;
  Lookup lookup = [&](std::string_view name) -> std::optional<std::string> {
    auto found = scope.environment.find(std::string(name));
    if (found == scope.environment.end()) return std::nullopt;
    used.insert(found->first);
    return found->second;
  };
  Result<std::string> value = interpolate(tree.text, lookup, unset);
  if (!value.ok()) return diagnostics.error(tree.span, value.error().message(), value.error().hint);
  for (const std::string& name : unset) {
    if (!warned.insert(name).second) continue;
    diagnostics.warning(tree.span, unset_variable_message(name));
  }
  tree.text = std::move(*value);
  note_variables(tree, used, scope);
}

}  // namespace

Lookup lookup_in(const Environment& environment) {
  return [&environment](std::string_view name) -> std::optional<std::string> {
    auto found = environment.find(std::string(name));
    return found == environment.end() ? std::nullopt : std::optional(found->second);
  };
}

void VariableFiles::read_all(const std::vector<std::string>& paths, Scope& scope, const SourceSpan& asked_at) {
  Scope values;
  for (const std::string& path : paths) read_one(path, scope, values, asked_at);
  for (const auto& [name, value] : values.environment) {
    if (scope.environment.emplace(name, value).second) scope.places[name] = values.places[name];
  }
}

void VariableFiles::read_one(const std::string& path, const Scope& outer, Scope& values, const SourceSpan& asked_at) {
  std::shared_ptr<const SourceFile> file = source_file(display_path(path, working_directory_));
  Result<std::string> text = files_.read(path);
  if (!text.ok()) {
    std::string which = asked_at.known() ? "the env file " + file->name : "this env file";
    return diagnostics_.error(asked_at.known() ? asked_at : SourceSpan{file, 0, 0, 0},
                              fmt::format("cannot read {}: {}", which, text.error().message()));
  }
  diagnostics_.remember_source(file->name, *text);
  read_.push_back(path);
  Lookup lookup = [&](std::string_view name) -> std::optional<std::string> {
    if (auto own = outer.environment.find(std::string(name)); own != outer.environment.end()) return own->second;
    return lookup_in(values.environment)(name);
  };
  std::vector<std::string> unset;
  DotenvError error;
  Result<Variables> variables = parse_dotenv(*text, lookup, unset, &error);
  if (!variables.ok()) return diagnostics_.error({file, error.line, 1, 0}, error.message);
  for (const std::string& name : unset) {
    diagnostics_.warning({file, 0, 0, 0}, unset_variable_message(name));
  }
  for (Variable& variable : *variables) {
    values.places[variable.name] = {file, variable.line, 1, 0};
    values.environment[variable.name] = std::move(variable.value);
  }
}

std::string unset_variable_message(std::string_view name) {
  return fmt::format("the variable \"{}\" is not set, a blank string is used", name);
}

void interpolate_tree(Tree& tree, const Scope& scope, std::set<std::string>& warned, Diagnostics& diagnostics) {
  if (tree.is_string()) return interpolate_scalar(tree, scope, warned, diagnostics);
  for (Tree& item : tree.items) interpolate_tree(item, scope, warned, diagnostics);
  for (Member& member : tree.members) interpolate_tree(member.value, scope, warned, diagnostics);
}

}  // namespace berth::compose
