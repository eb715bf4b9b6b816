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
  diagnostics.error(member.key_span,
                    fmt::format("{}: unknown key \"{}\" of a {}", path.str(), member.key, table.object),
                    near ? fmt::format("did you mean \"{}\"?", *near) : std::string());
}

/// False where the row does not let the value in.
bool check_support(const Attr& row, const Member& member, const Path& path, Diagnostics& diagnostics) {
  const char* because = row.note.empty() ? "" : ": ";
  switch (row.support) {
    case Support::applied:
    case Support::ignored:
      return true;
    case Support::accepted_only:
      diagnostics.warning(member.key_span,
                          fmt::format("{} has no effect in this version{}{}", path.str(), because, row.note));
      return true;
    case Support::refused:
      diagnostics.error(member.key_span, fmt::format("{} is not supported{}{}", path.str(), because, row.note));
      return false;
  }
  return true;
}

void keep_extension(const Member& member, const Table& table, void* object) {
  if (table.extensions == nullptr || object == nullptr) return;
  table.extensions(object)->set(member.key, member.value);
}

}  // namespace

void decode_object(const In& in, const Table& table, void* object, PlaceNote note) {
  for (const Member& member : in.tree.members) {
    if (member.key.starts_with("x-")) {
      keep_extension(member, table, object);
      continue;
    }
    const Attr* row = table.find(member.key);
    if (row == nullptr) {
      unknown_key(member, table, in.path, in.diagnostics);
      continue;
    }
    if (note != nullptr) note(object, row->key, member.value.span);
    if (member.value.is_null()) continue;  // as if it were not written
    Path path{&in.path, row->key};
    if (check_support(*row, member, path, in.diagnostics)) row->decode({member.value, path, in.diagnostics}, object);
  }
}

void encode_object(const void* object, const Table& table, Tree& out) {
  for (const Attr& row : table.rows) {
    Tree value;
    if (row.encode != nullptr && row.encode(object, value)) {
      out.members.push_back({std::string(row.key), {}, std::move(value)});
    }
  }
  if (table.extensions == nullptr) return;
  const Tree* extensions = table.extensions(const_cast<void*>(object));
  out.members.insert(out.members.end(), extensions->members.begin(), extensions->members.end());
}

}  // namespace berth::compose
