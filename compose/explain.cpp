#include "compose/explain.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/text.h"
#include "compose/dotenv.h"
#include "compose/emit.h"
#include "compose/passes.h"
#include "compose/tree_path.h"
#include "compose/written.h"

// How this works
//
// The model is the tree before it is bound to types: each node has its place, the steps by which it came there
// (SourceFile::how) and the value that it took the place of (Tree::overrode). What a file really says is read from its
// text again, since variables and short forms leave no trace in the node. What is not in the model was filled in; it is
// found in the project as it is shown.

namespace berth::compose {
namespace {

/// Whether all of a tree came from one text, as what a short form stands for does.
bool is_one_text(const Tree& tree, const SourceSpan& span) {
  if (tree.span.line != span.line || tree.span.column != span.column || tree.span.file != span.file) return false;
  return std::all_of(tree.items.begin(), tree.items.end(), [&](const Tree& item) { return is_one_text(item, span); }) &&
         std::all_of(tree.members.begin(), tree.members.end(),
                     [&](const Member& member) { return is_one_text(member.value, span); });
}

bool is_leaf(const Tree& tree) {
  bool empty = tree.items.empty() && tree.members.empty();
  return tree.is_scalar() || empty || (tree.span.known() && is_one_text(tree, tree.span));
}

/// Whether a path is another one or leads on from it.
bool is_at_or_below(std::string_view path, std::string_view above) {
  if (!path.starts_with(above)) return false;
  return above.empty() || path.size() == above.size() || path[above.size()] == '.' || path[above.size()] == '[';
}

std::string_view last_key(std::string_view path) {
  return path.substr(path.rfind('.') + 1);
}

/// env_file belongs to `environment`: its variables lie below what is written there.
class EnvironmentFiles {
 public:
  EnvironmentFiles(const Model& model, const Diagnostics& sources) : model_(model), sources_(sources) {}

  void lay_under(Tree& service) const {
    const Tree* files = service.find("env_file");
    if (files == nullptr) return;
    Tree folded = Tree::map(files->span);
    for (const Tree& file : files->items) read(file, folded);
    const Tree* own = service.find("environment");
    for (const Member& member : own != nullptr ? own->members : std::vector<Member>{}) {
      Tree* below = folded.find(member.key);
      if (below != nullptr)
        take_place(*below, member.value);
      else
        folded.members.push_back(member);
    }
    service.set("environment", std::move(folded));
  }

  /// "a.env" as messages name the file; "" where it was not read.
  [[nodiscard]] std::string name_of(const std::string& path) const {
    for (const auto& [name, unused] : sources_.sources()) {
      if (path == name || path.ends_with("/" + name)) return name;
    }
    return {};
  }

 private:
  void read(const Tree& file, Tree& folded) const {
    const Tree* path = file.find("path");
    const Tree* format = file.find("format");
    const std::string name = path == nullptr ? std::string() : name_of(path->text);
    const std::string* text = sources_.source(name);
    if (text == nullptr) return;
    Lookup lookup = [&](std::string_view variable) -> std::optional<std::string> {
      if (std::optional<std::string> outer = lookup_in(model_.scope.environment)(variable)) return outer;
      const Tree* earlier = folded.find(variable);
      return earlier == nullptr ? std::nullopt : std::optional(earlier->text);
    };
    std::vector<std::string> unset;
    bool raw = format != nullptr && format->text == "raw";
    Result<Variables> variables = raw ? parse_raw_env(*text, lookup) : parse_dotenv(*text, lookup, unset);
    if (!variables.ok()) return;
    std::shared_ptr<const SourceFile> from = source_by_way_of(source_file(name), "named in env_file here", path->span);
    for (Variable& variable : *variables) {
      Tree value = Tree::string(std::move(variable.value), {from, variable.line, 1, 0});
      if (Tree* earlier = folded.find(variable.name))
        take_place(*earlier, std::move(value));
      else
        folded.members.push_back({variable.name, value.span, value});
    }
  }

  const Model& model_;
  const Diagnostics& sources_;
};

class Explainer {
 public:
  Explainer(const Model& model, const Project& project, const Diagnostics& sources)
      : model_(model), sources_(sources), written_(model.tree, sources), tree_(model.tree) {
    EmitOptions as_it_is;
    as_it_is.escape_dollar = false;
    as_it_is.all_resources = true;
    final_ = to_tree(project, as_it_is);
    EnvironmentFiles files(model, sources);
    Tree* services = tree_.find("services");
    if (services == nullptr) return;
    for (Member& service : services->members) files.lay_under(service.value);
  }

  Result<std::vector<Explanation>> run(const std::string& path) {
    Result<Located> found = locate(tree_, path);
    if (found.ok()) walk(*found->tree, found->path);
    for (const auto& [removed, value] : model_.removed) explain_removed(path, removed, value);
    if (!explanations_.empty()) return std::move(explanations_);
    BERTH_TRY(Located filled, locate(final_, path));  // or its error: it knows more names than the files do
    explanations_.push_back({filled.path, {*filled.tree, {}, {}, {}, {}}, {}});
    return std::move(explanations_);
  }

 private:
  void walk(const Tree& tree, const std::string& path) {
    if (is_leaf(tree) || tree.overrode != nullptr) return explain_one(tree, path);
    for (size_t i = 0; i < tree.items.size(); ++i) walk(tree.items[i], fmt::format("{}[{}]", path, i));
    for (const Member& member : tree.members) walk(member.value, path + (path.empty() ? "" : ".") + member.key);
  }

  void explain_one(const Tree& tree, const std::string& path) {
    Explanation explanation{path, origin_of(tree, path), {}};
    // The typed value says more: 1073741824 of "1g". Lists may be sorted there, so no place in them is looked up.
    Result<Located> typed = locate(final_, path);
    if (tree.is_scalar() && path.find('[') == std::string::npos && typed.ok() && typed->tree->is_scalar()) {
      explanation.origin.value = *typed->tree;
      const WrittenScalar* scalar = written_.at(tree.span);
      if (scalar != nullptr && scalar->value.text != typed->tree->text && !scalar->value.is_null())
        explanation.origin.written = scalar->value.text;
    }
    for (const Tree* earlier = tree.overrode.get(); earlier != nullptr; earlier = earlier->overrode.get()) {
      explanation.overrode.push_back(origin_of(*earlier, path));
    }
    explanations_.push_back(std::move(explanation));
  }

  /// What `!reset` took away at `path`, below it, or together with what was around it.
  void explain_removed(const std::string& path, const std::string& removed, const Tree& value) {
    if (locate(tree_, removed).ok()) return;  // written anew by a later file
    if (is_at_or_below(removed, path)) return explain_reset(removed, value, {});
    if (is_at_or_below(path, removed)) explain_reset(path, value, path.substr(removed.size()));
  }

  void explain_reset(const std::string& path, const Tree& reset, const std::string& below) {
    Explanation explanation{path, {}, {}};
    explanation.origin.place = reset.span.str();
    explanation.origin.way = {{"!reset takes the value away", ""}};
    add_way(reset.span.file, explanation.origin.way);
    if (Result<Located> filled = locate(final_, path); filled.ok()) explanation.origin.value = *filled->tree;
    for (const Tree* earlier = reset.overrode.get(); earlier != nullptr; earlier = earlier->overrode.get()) {
      if (Result<Located> old = locate(*earlier, below); old.ok()) {
        explanation.overrode.push_back(origin_of(*old->tree, path));
      }
    }
    bool was_there = below.empty() || !explanation.overrode.empty();
    if (was_there) explanations_.push_back(std::move(explanation));
  }

  [[nodiscard]] ValueOrigin origin_of(const Tree& tree, const std::string& path) const {
    ValueOrigin origin;
    origin.value = tree;
    origin.place = tree.span.str();
    add_way(tree.span.file, origin.way);
    const WrittenScalar* scalar = written_.at(tree.span);
    if (scalar == nullptr) return origin;
    std::string_view name = last_key(path);
    bool bare = scalar->value.is_null() || (scalar->in_list && scalar->value.text == name);
    if (bare && path.find(".environment.") != std::string::npos) {
      origin.variables.push_back(variable_origin({std::string(name)}, tree.span.file));
      return origin;
    }
    if (!tree.is_scalar() || scalar->value.text != tree.text) origin.written = scalar->value.text;
    for (const VariableUse& use : variables_in(scalar->value.text)) {
      origin.variables.push_back(variable_origin(use, tree.span.file));
    }
    return origin;
  }

  /// The steps that are no variables: these are told apart.
  static void add_way(const std::shared_ptr<const SourceFile>& file,
                      std::vector<std::pair<std::string, std::string>>& way) {
    if (file == nullptr || file->how.empty()) return;
    add_way(file->next, way);
    if (!file->variable.empty()) return;
    way.emplace_back(file->how, file->at.str());
    add_way(file->at.file, way);
  }

  [[nodiscard]] VariableOrigin variable_origin(const VariableUse& use,
                                               const std::shared_ptr<const SourceFile>& file) const {
    VariableOrigin origin{use.name, {}, {}};
    auto value = model_.scope.environment.find(use.name);
    if (value != model_.scope.environment.end()) origin.value = value->second;
    if (const SourceFile* step = step_of(use.name, file); step != nullptr && step->at.known()) {
      origin.from = step->at.str();
      take_value_from(step->at, origin);
    } else if (auto place = model_.scope.places.find(use.name); place != model_.scope.places.end()) {
      origin.from = place->second.str();
    } else if (value != model_.scope.environment.end()) {
      origin.from = "the environment";
    } else {
      origin.value = use.default_value.value_or("");
      origin.from = use.default_value ? "the default in the expression" : "not set";
    }
    return origin;
  }

  static const SourceFile* step_of(const std::string& variable, const std::shared_ptr<const SourceFile>& file) {
    for (const SourceFile* step = file.get(); step != nullptr; step = step->next.get()) {
      if (step->variable == variable) return step;
    }
    return nullptr;
  }

  /// An included model may have files of variables of its own, which the project does not see.
  void take_value_from(const SourceSpan& place, VariableOrigin& origin) const {
    auto known = model_.scope.places.find(origin.name);
    if (known != model_.scope.places.end() && known->second.str() == place.str()) return;
    const std::string* text = sources_.source(place.file->name);
    if (text == nullptr) return;
    std::vector<std::string> unset;
    Result<Variables> variables = parse_dotenv(*text, lookup_in(model_.scope.environment), unset);
    if (!variables.ok()) return;
    for (const Variable& variable : *variables) {
      if (variable.name == origin.name) origin.value = variable.value;
    }
  }

  const Model& model_;
  const Diagnostics& sources_;
  Written written_;
  Tree tree_;   // the model, with env_file in `environment`
  Tree final_;  // as `config` shows it
  std::vector<Explanation> explanations_;
};

}  // namespace

Result<std::vector<Explanation>> explain(const Model& model, const Project& project, const Diagnostics& sources,
                                         const std::string& path) {
  return Explainer(model, project, sources).run(path);
}

}  // namespace berth::compose
