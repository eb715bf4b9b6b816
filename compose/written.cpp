#include "compose/written.h"

#include <fmt/core.h>

#include "base/text.h"
#include "compose/parse.h"

namespace berth::compose {
namespace {

void collect_files(const Tree& tree, std::map<std::string, bool>& files) {
  if (tree.span.known()) files.emplace(tree.span.file->name, true);
  if (tree.overrode != nullptr) collect_files(*tree.overrode, files);
  for (const Tree& item : tree.items) collect_files(item, files);
  for (const Member& member : tree.members) {
    if (member.key_span.known()) files.emplace(member.key_span.file->name, true);
    collect_files(member.value, files);
  }
}

std::string raw_text(const SourceSpan& span, const std::vector<std::string>& lines) {
  auto line = static_cast<size_t>(span.line);
  auto column = static_cast<size_t>(span.column);
  if (line == 0 || line > lines.size() || column == 0 || column > lines[line - 1].size()) return {};
  return lines[line - 1].substr(column - 1, static_cast<size_t>(span.length));
}

}  // namespace

Written::Written(const Tree& model, const Diagnostics& sources) {
  collect_files(model, files_);
  for (const auto& [name, unused] : files_) {
    if (const std::string* text = sources.source(name)) read(name, *text);
  }
}

void Written::read(const std::string& name, const std::string& text) {
  ParseBudget budget;
  Diagnostics unused;  // what is wrong with the file was said when it was loaded
  std::vector<std::string> lines = split(text, '\n');
  for (const Tree& document : parse_yaml(source_file(name), text, budget, unused)) {
    collect(document, {}, {}, false, lines);
  }
}

void Written::collect(const Tree& tree, const std::string& path, const std::string& key, bool in_list,
                      const std::vector<std::string>& lines) {
  if (!tree.span.known() || !tree.span.file->how.empty()) return;  // of an alias: it stands elsewhere
  for (size_t i = 0; i < tree.items.size(); ++i) {
    collect(tree.items[i], fmt::format("{}[{}]", path, i), key, true, lines);
  }
  for (const Member& member : tree.members) {
    collect(member.value, path.empty() ? member.key : path + "." + member.key, member.key, false, lines);
  }
  if (!tree.is_scalar()) return;
  WrittenScalar scalar{path, key, tree, raw_text(tree.span, lines), false, in_list};
  scalar.quoted = !scalar.raw.empty() && std::string_view("\"'|>").find(scalar.raw.front()) != std::string_view::npos;
  places_.emplace(std::tuple(tree.span.file->name, tree.span.line, tree.span.column), scalars_.size());
  scalars_.push_back(std::move(scalar));
}

const WrittenScalar* Written::at(const SourceSpan& span) const {
  if (!span.known()) return nullptr;
  auto found = places_.find({span.file->name, span.line, span.column});
  return found == places_.end() ? nullptr : &scalars_[found->second];
}

}  // namespace berth::compose
