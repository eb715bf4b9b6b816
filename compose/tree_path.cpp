#include "compose/tree_path.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/text.h"

namespace berth::compose {
namespace {

/// The part before the next separator.
std::string_view first_part(std::string_view path) {
  return path.substr(0, path.find_first_of(".["));
}

Error nothing_there(const Located& at, std::string_view part) {
  std::string where = at.path.empty() ? "the project" : at.path;
  Error error = make_error(fmt::format("{} has no \"{}\"", where, printable(part)));
  std::vector<std::string> known;
  for (const Member& member : at.tree->members) known.push_back(member.key);
  if (std::optional<std::string> near = nearest(part, known))
    error.hint = fmt::format("did you mean \"{}\"?", *near);
  else if (at.tree->is_list())
    error.hint = fmt::format("it has {} entries, the first is [0]", at.tree->items.size());
  else if (!known.empty())
    error.hint = "there is: " + join(known, ", ");
  return error;
}

/// Goes one key down and takes it off the path.
bool enter_map(Located& at, std::string_view& path) {
  const Member* longest = nullptr;
  for (const Member& member : at.tree->members) {
    if (!path.starts_with(member.key)) continue;
    bool whole = path.size() == member.key.size() || path[member.key.size()] == '.' || path[member.key.size()] == '[';
    if (whole && (longest == nullptr || member.key.size() > longest->key.size())) longest = &member;
  }
  if (longest == nullptr) return false;
  at = {&longest->value, at.path.empty() ? longest->key : at.path + "." + longest->key};
  path.remove_prefix(longest->key.size());
  return true;
}

bool enter_list(Located& at, std::string_view& path) {
  std::string_view part = path.starts_with('[') ? path.substr(1, path.find(']') - 1) : first_part(path);
  std::optional<unsigned long long> index = parse_unsigned(part);
  if (!index || *index >= at.tree->items.size()) return false;
  at = {&at.tree->items[*index], fmt::format("{}[{}]", at.path, *index)};
  path.remove_prefix(std::min(path.size(), part.size() + (path.starts_with('[') ? 2 : 0)));
  return true;
}

}  // namespace

Result<Located> locate(const Tree& root, std::string_view path) {
  Located at{&root, {}};
  while (!path.empty()) {
    if (path.starts_with('.')) path.remove_prefix(1);
    if (path.empty()) break;
    bool entered = at.tree->is_list() ? enter_list(at, path) : enter_map(at, path);
    if (!entered)
      return nothing_there(at, path.starts_with('[') ? path.substr(0, path.find(']') + 1) : first_part(path));
  }
  return at;
}

}  // namespace berth::compose
