#include "compose/attrs.h"

#include <fmt/core.h>

#include <algorithm>
#include <vector>

#include "base/text.h"

namespace berth::compose {

std::string Path::str() const {
  std::string text = parent != nullptr ? parent->str() : std::string();
  if (index >= 0) return text + "[" + std::to_string(index) + "]";
  if (!text.empty() && !key.empty()) text += '.';
  return text + std::string(key);
}

void In::error(const std::string& message, std::string hint) const {
  diagnostics.error(tree.span, path.str() + ": " + message, std::move(hint));
}

void In::warning(const std::string& message, std::string hint) const {
  diagnostics.warning(tree.span, path.str() + ": " + message, std::move(hint));
}

void In::wrong_kind(std::string_view expected) const {
  diagnostics.error(tree.span, fmt::format("{} must be {}, not {}", path.str(), expected, kind_name(tree.kind)));
}

const Attr* Table::find(std::string_view key) const {
  auto row =
      std::lower_bound(rows.begin(), rows.end(), key, [](const Attr& a, std::string_view k) { return a.key < k; });
  return row != rows.end() && row->key == key ? &*row : nullptr;
}

namespace {

void unknown_key(const Member& member, const Table& table, const Path& path, Diagnostics& diagnostics) {
  std::vector<std::string> known;
  for (const Attr& row : table.rows) known.emplace_back(row.key);
  std::optional<std::string> near = nearest(member.key, known);
  std::string where = path.str();
  if (!where.empty()) where += ": ";
  bool vowel = std::string_view("aeiou").find(table.object.front()) != std::string_view::npos;
  diagnostics.error(member.key_span,
                    fmt::format("{}unknown key \"{}\" of {} {}", where, member.key, vowel ? "an" : "a", table.object),
                    near ? fmt::format("did you mean \"{}\"?", *near) : std::string());
}

/// One that is nearly ours is a slip: everybody else's have names of their own.
void suggest_extension(const Member& member, const Table& table, const In& in) {
  if (!member.key.starts_with("x-berth-")) return;
  std::vector<std::string> ours;
  for (const Attr& row : table.rows) {
    if (row.key.starts_with("x-")) ours.emplace_back(row.key);
  }
  std::optional<std::string> near = nearest(member.key, ours);
  if (!near) return;
  in.diagnostics.warning(member.key_span, fmt::format("{}: \"{}\" means nothing here", in.path.str(), member.key),
                         fmt::format("did you mean \"{}\"?", *near));
}

void check_support(const Table& table, const Attr& row, const Member& member, const Path& path,
                   Diagnostics& diagnostics) {
  const char* because = row.note.empty() ? "" : ": ";
  switch (row.support) {
    case Support::applied:
    case Support::ignored:
      return;
    case Support::accepted_only:
      diagnostics.warning_once(fmt::format("{}.{}", table.object, row.key), member.key_span,
                               fmt::format("{} has no effect in this version{}{}", path.str(), because, row.note));
      return;
    case Support::refused:
      diagnostics.unsupported(member.key_span, fmt::format("{} is not supported{}{}", path.str(), because, row.note));
      return;
  }
}

void keep_extension(const Member& member, const Table& table, void* object) {
  if (table.extensions == nullptr || object == nullptr) return;
  table.extensions(object)->set(member.key, member.value);
}

}  // namespace

void decode_object(const In& in, const Table& table, void* object, PlaceNote note) {
  for (const Member& member : in.tree.members) {
    const Attr* row = table.find(member.key);
    if (row == nullptr && member.key.starts_with("x-")) {
      keep_extension(member, table, object);
      suggest_extension(member, table, in);
      continue;
    }
    if (row == nullptr) {
      unknown_key(member, table, in.path, in.diagnostics);
      continue;
    }
    if (member.value.is_null()) continue;  // as if it were not written
    if (note != nullptr) note(object, row->key, member.value.span);
    Path path{&in.path, row->key};
    check_support(table, *row, member, path, in.diagnostics);
    row->decode({member.value, path, in.diagnostics}, object);
  }
}

void canonicalise(Tree& tree, const Below& below) {
  switch (below.kind) {
    case Below::Kind::nothing:
      return;
    case Below::Kind::map_of_objects:
      for (Member& member : tree.members) canonicalise(member.value, {Below::Kind::object, below.table});
      return;
    case Below::Kind::list_of_objects:
      for (Tree& item : tree.items) canonicalise(item, {Below::Kind::object, below.table});
      return;
    case Below::Kind::object:
      break;
  }
  for (Member& member : tree.members) {
    const Attr* row = below.table().find(member.key);
    if (row == nullptr || member.value.is_null()) continue;
    const SourceSpan place = member.value.span;
    if (row->below.kind != Below::Kind::nothing)
      canonicalise(member.value, row->below);
    else if (row->canonical != nullptr)
      row->canonical(member.value);
    member.value.span = place;  // what is wrong with it may be noticed later
  }
  std::sort(tree.members.begin(), tree.members.end(), [](const Member& a, const Member& b) { return a.key < b.key; });
}

void check_keys(const Tree& tree, const Table& table, const Path& path, Diagnostics& diagnostics) {
  for (const Member& member : tree.members) {
    if (!member.key.starts_with("x-") && table.find(member.key) == nullptr) {
      unknown_key(member, table, path, diagnostics);
    }
  }
}

void encode_object(const void* object, const Table& table, Tree& out) {
  Tree value;  // one for all rows: most of them have nothing to show
  for (const Attr& row : table.rows) {
    if (row.encode == nullptr) continue;
    bool shown = row.encode(object, value);
    if (shown) out.members.push_back({std::string(row.key), {}, std::move(value)});
    if (shown || !value.is_null()) value = Tree();
  }
  if (table.extensions == nullptr) return;
  const Tree* extensions = table.extensions(const_cast<void*>(object));
  out.members.insert(out.members.end(), extensions->members.begin(), extensions->members.end());
}

}  // namespace berth::compose
