#include <fmt/core.h>

#include <algorithm>

#include "compose/assemble.h"
#include "compose/codecs.h"
#include "compose/passes.h"
#include "compose/volume.h"

namespace berth::compose {

/// An entry of `include`, in long form.
struct IncludeEntry {
  Strings path;  // the files of one model, the later ones override
  std::string project_directory;
  Strings env_file;
  SourceSpan span;
};

namespace {

constexpr size_t kMaxIncludedModels = 1000;
constexpr std::string_view kImported[] = {"services", "networks", "volumes", "secrets", "configs", "models"};

constexpr Attr kIncludeRows[] = {
    attr<&IncludeEntry::env_file, TextOrList>("env_file"),
    attr<&IncludeEntry::path, TextOrList>("path"),
    attr<&IncludeEntry::project_directory, Text>("project_directory"),
};

std::vector<IncludeEntry> entries_of(const Tree& include, Diagnostics& diagnostics) {
  static const Path kRoot;
  Path path{&kRoot, "include"};
  LongFormRun run;
  In in{include, path, diagnostics};
  std::vector<IncludeEntry> entries;
  if (!include.is_list()) return in.wrong_kind("a list"), entries;
  for (size_t i = 0; i < include.items.size(); ++i) {
    Tree item = include.items[i];
    Path item_path{&path, {}, static_cast<long>(i)};
    if (item.is_string()) {
      Tree map = Tree::map(item.span);
      map.set("path", item);
      item = std::move(map);
    }
    In item_in{item, item_path, diagnostics};
    if (!item.is_map()) {
      item_in.wrong_kind("a file name or a map");
      continue;
    }
    object_to_long_form(item, include_table(), item_path, run, diagnostics);
    IncludeEntry entry;
    entry.span = item.span;
    decode_object(item_in, include_table(), &entry);
    if (entry.path.empty())
      item_in.error("the path is missing");
    else
      entries.push_back(std::move(entry));
  }
  return entries;
}

/// Only what a model consists of comes in; its name and its extensions stay outside. Other keys are mistakes.
void keep_imported(Tree& model, Diagnostics& diagnostics) {
  static const Path kRoot;
  check_keys(model, project_table(), kRoot, diagnostics);
  std::erase_if(model.members, [](const Member& member) {
    return std::find(std::begin(kImported), std::end(kImported), member.key) == std::end(kImported);
  });
}

/// Two included models with one name for different things: most likely one of them was meant to be something else.
void warn_of_conflicts(const Tree& earlier, const Tree& model, Diagnostics& diagnostics) {
  for (const Member& kind : model.members) {
    const Tree* known = earlier.find(kind.key);
    if (known == nullptr) continue;
    for (const Member& member : kind.value.members) {
      const Tree* other = known->find(member.key);
      if (other == nullptr || other->same_value(member.value)) continue;
      diagnostics.warning(member.key_span, fmt::format("{}.{} comes from two included files, and they differ: this one "
                                                       "is merged over the other",
                                                       kind.key, member.key));
      diagnostics.note(other->span, "the other is here");
    }
  }
}

}  // namespace

const Table& include_table() {
  static constexpr Table kTable{"include entry", kIncludeRows};
  return kTable;
}

void Assembly::follow_includes(Tree& document, const Scope& scope) {
  static const Path kRoot;
  Tree* include = document.find("include");
  if (include == nullptr) return;
  Tree included = Tree::map();
  for (const IncludeEntry& entry : entries_of(*include, diagnostics_)) {
    Tree model = include_one(entry, scope);
    warn_of_conflicts(included, model, diagnostics_);
    merge_object(included, std::move(model), project_table(), kRoot, diagnostics_);
  }
  document.erase("include");
  SourceSpan span = document.span;
  // The file's own definitions lie over the included ones.
  merge_object(included, std::move(document), project_table(), kRoot, diagnostics_);
  included.span = std::move(span);
  document = std::move(included);
}

Tree Assembly::include_one(const IncludeEntry& entry, const Scope& scope) {
  std::vector<std::string> paths = paths_of(entry, scope);
  if (paths.empty() || !may_include(paths.front(), entry.span)) return Tree::map();
  Scope inner = scope_of(entry, paths.front(), scope);
  std::vector<Tree> documents;
  for (const std::string& path : paths) {
    for (Tree& document : reader_.documents(path, "included here", entry.span))
      documents.push_back(std::move(document));
  }
  Tree model = assemble(std::move(documents), inner, paths.front());
  keep_values(model, inner, scope);
  keep_imported(model, diagnostics_);
  return model;
}

std::vector<std::string> Assembly::paths_of(const IncludeEntry& entry, const Scope& scope) {
  std::vector<std::string> paths;
  for (const std::string& path : entry.path) {
    if (is_remote_file(path)) {
      diagnostics_.unsupported(entry.span,
                               fmt::format("{} cannot be included: files are read from this host only", path));
      return {};
    }
    paths.push_back(absolute_path(path, scope.directory, scope.environment));
  }
  return paths;
}

bool Assembly::may_include(const std::string& main_file, const SourceSpan& span) {
  auto first = std::find(including_.begin(), including_.end(), main_file);
  if (first != including_.end()) {
    std::string chain;
    for (auto model = first; model != including_.end(); ++model) {
      chain += display_path(*model, request_.working_directory) + " -> ";
    }
    diagnostics_.error(span, fmt::format("files include each other: {}{}", chain,
                                         display_path(main_file, request_.working_directory)));
    return false;
  }
  if (including_.size() >= kMaxDepth) {
    diagnostics_.error(span, fmt::format("included more than {} levels deep", kMaxDepth));
    return false;
  }
  if (++included_models_ <= kMaxIncludedModels) return true;
  if (included_models_ == kMaxIncludedModels + 1) {
    diagnostics_.error(span, fmt::format("more than {} included models", kMaxIncludedModels));
  }
  return false;
}

/// Variables of the including model come first; the entry's env files, else the .env beside the model, add to them.
Scope Assembly::scope_of(const IncludeEntry& entry, const std::string& main_file, const Scope& outer) {
  Scope inner = outer;
  const std::string& written = entry.project_directory;
  inner.directory =
      written.empty() ? parent_directory(main_file) : absolute_path(written, outer.directory, outer.environment);
  if (request_.resolve_paths) {
    inner.base = inner.directory;
  } else {
    std::string shown = written.empty() ? parent_directory(entry.path.front()) : written;
    inner.base = absolute_path(shown, outer.base.empty() ? "." : outer.base, outer.environment);
  }
  VariableFiles variables(files_, request_.working_directory, diagnostics_);
  std::vector<std::string> paths;
  for (const std::string& path : entry.env_file) {
    if (path != "/dev/null") paths.push_back(absolute_path(path, outer.directory, outer.environment));
  }
  std::string beside = clean_path(inner.directory + "/.env");
  if (entry.env_file.empty() && files_.exists(beside)) paths.push_back(beside);
  variables.read_all(paths, inner, entry.span);
  return inner;
}

void Assembly::keep_values(const Tree& model, const Scope& inner, const Scope& outer) {
  for (const char* kind : {"secrets", "configs"}) {
    const Tree* objects = model.find(kind);
    if (objects == nullptr) continue;
    for (const Member& member : objects->members) {
      const Tree* variable = member.value.find("environment");
      if (variable == nullptr) continue;
      auto value = inner.environment.find(variable->text);
      if (value == inner.environment.end() || outer.environment.contains(variable->text)) continue;
      included_values_[fmt::format("{}.{}", kind, member.key)] = {variable->text, value->second};
    }
  }
}

}  // namespace berth::compose
