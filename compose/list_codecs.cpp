#include <fmt/core.h>

#include <algorithm>

#include "base/text.h"
#include "compose/codecs.h"
#include "compose/shell_words.h"

namespace berth::compose {
namespace {

Tree list_of(const Strings& values) {
  Tree list = Tree::list();
  for (const std::string& value : values) list.items.push_back(Tree::string(value));
  return list;
}

template <class Codec>
bool decode_list(const In& in, Strings& value) {
  if (!in.tree.is_list()) return in.wrong_kind("a list"), false;
  for (size_t i = 0; i < in.tree.items.size(); ++i) {
    Path path{&in.path, {}, static_cast<long>(i)};
    std::string item;
    if (Codec::decode({in.tree.items[i], path, in.diagnostics}, item)) value.push_back(std::move(item));
  }
  return true;
}

/// Puts a new value in the place of the old: what the merge was told and where it stood stay.
void replace_value(Tree& tree, Tree value) {
  value.directive = tree.directive;
  if (!value.span.known()) value.span = tree.span;
  tree = std::move(value);
}

void string_to_list(Tree& tree) {
  if (!tree.is_string()) return;
  Tree list = Tree::list(tree.span);
  list.items.push_back(tree);
  list.items.back().directive = Tree::Directive::none;
  replace_value(tree, std::move(list));
}

/// ["A=1", "B"] -> {A: "1", B: null}. What a bare name gets is the caller's business.
void assignments_to_map(Tree& tree, const Path& path, Diagnostics& diagnostics, bool bare_is_empty) {
  if (!tree.is_list()) return;
  Tree map = Tree::map(tree.span);
  KeyIndex index(map);
  for (Tree& item : tree.items) {
    if (!item.is_scalar() || item.is_null()) {
      diagnostics.error(item.span, fmt::format("{}: an entry of the list must be NAME=value, not {}", path.str(),
                                               kind_name(item.kind)));
      continue;
    }
    size_t equals = item.text.find('=');
    std::string key = item.text.substr(0, equals);
    if (key.empty() || key.back() == ' ') {
      diagnostics.error(item.span, fmt::format("{}: \"{}\" has {} before its \"=\"", path.str(), item.text,
                                               key.empty() ? "no name" : "a space"));
      continue;
    }
    Tree value = item;
    if (equals != std::string::npos) {
      value.text = item.text.substr(equals + 1);
      value.kind = Tree::Kind::string;
    } else {
      value.text.clear();
      value.kind = bare_is_empty ? Tree::Kind::string : Tree::Kind::null;
    }
    if (std::optional<size_t> known = index.find(key)) {
      map.members[*known].value = std::move(value);
      continue;
    }
    index.add(key);
    map.members.push_back({std::move(key), item.span, std::move(value)});
  }
  replace_value(tree, std::move(map));
}

/// A scalar as text, the way the container sees it.
bool scalar_text(const In& in, std::string_view key, const Tree& value, std::string& text) {
  if (!value.is_scalar()) {
    Path path{&in.path, key};
    In{value, path, in.diagnostics}.wrong_kind("a string, a number, a boolean or nothing");
    return false;
  }
  text = value.text;
  return true;
}

bool decode_pairs(const In& in, Pairs& value) {
  if (!in.tree.is_map()) return in.wrong_kind("a map"), false;
  for (const Member& member : in.tree.members) {
    std::string text;
    if (scalar_text(in, member.key, member.value, text)) value.emplace_back(member.key, std::move(text));
  }
  return true;
}

bool encode_pairs(const Pairs& value, Tree& out) {
  out = Tree::map();
  for (const auto& [key, text] : value) out.members.push_back({key, {}, Tree::string(text)});
  return !value.empty();
}

void warn_of_cut(const Tree& tree, size_t cut_at, const Path& path, Diagnostics& diagnostics) {
  diagnostics.warning(tree.span,
                      fmt::format("{}: no shell reads this, so everything from \"{}\" on is dropped", path.str(),
                                  std::string_view(tree.text).substr(cut_at, 20)),
                      "to use a shell: [\"sh\", \"-c\", \"...\"]");
}

}  // namespace

bool TextList::decode(const In& in, Strings& value) {
  return decode_list<Text>(in, value);
}
bool TextList::encode(const Strings& value, Tree& out) {
  out = list_of(value);
  return !value.empty();
}

bool ScalarList::decode(const In& in, Strings& value) {
  return decode_list<TextOrNumber>(in, value);
}
bool ScalarList::encode(const Strings& value, Tree& out) {
  return TextList::encode(value, out);
}

void TextOrList::to_long(Tree& tree, const Path&, Diagnostics&) {
  string_to_list(tree);
}
bool TextOrList::decode(const In& in, Strings& value) {
  if (!in.tree.is_list()) return in.wrong_kind("a string or a list of strings"), false;
  return decode_list<Text>(in, value);
}
bool TextOrList::encode(const Strings& value, Tree& out) {
  return TextList::encode(value, out);
}

void Command::to_long(Tree& tree, const Path& path, Diagnostics& diagnostics) {
  if (!tree.is_string()) return;
  Result<ShellWords> words = split_shell_words(tree.text);
  if (!words.ok()) {
    diagnostics.error(tree.span, fmt::format("{}: {}", path.str(), words.error().message()), words.error().hint);
    replace_value(tree, Tree::list());
    return;
  }
  if (words->cut_at != std::string_view::npos) warn_of_cut(tree, words->cut_at, path, diagnostics);
  Tree list = Tree::list(tree.span);
  for (std::string& word : words->words) list.items.push_back(Tree::string(std::move(word), tree.span));
  replace_value(tree, std::move(list));
}
bool Command::decode(const In& in, Strings& value) {
  if (!in.tree.is_list()) return in.wrong_kind("a string or a list of strings"), false;
  return decode_list<Text>(in, value);
}
bool Command::encode(const Strings& value, Tree& out) {
  out = list_of(value);
  return true;
}

void ProbeCommand::to_long(Tree& tree, const Path&, Diagnostics&) {
  if (!tree.is_string()) return;
  Tree list = Tree::list(tree.span);
  list.items = {Tree::string("CMD-SHELL", tree.span), Tree::string(tree.text, tree.span)};
  replace_value(tree, std::move(list));
}
bool ProbeCommand::decode(const In& in, Strings& value) {
  if (!TextOrList::decode(in, value)) return false;
  if (value.empty() || value[0] == "NONE" || value[0] == "CMD" || value[0] == "CMD-SHELL") return true;
  in.error(fmt::format("the list must begin with NONE, CMD or CMD-SHELL, not \"{}\"", value[0]));
  return false;
}
bool ProbeCommand::encode(const Strings& value, Tree& out) {
  return TextList::encode(value, out);
}

void EnvMap::to_long(Tree& tree, const Path& path, Diagnostics& diagnostics) {
  assignments_to_map(tree, path, diagnostics, false);
}
bool EnvMap::decode(const In& in, Env& value) {
  if (!in.tree.is_map()) return in.wrong_kind("a map or a list of NAME=value"), false;
  for (const Member& member : in.tree.members) {
    std::string text;
    if (!scalar_text(in, member.key, member.value, text)) continue;
    value.emplace_back(member.key, member.value.is_null() ? std::nullopt : std::optional(std::move(text)));
  }
  return true;
}
bool EnvMap::encode(const Env& value, Tree& out) {
  out = Tree::map();
  for (const auto& [key, text] : value) out.members.push_back({key, {}, text ? Tree::string(*text) : Tree::null()});
  std::sort(out.members.begin(), out.members.end(), [](const Member& a, const Member& b) { return a.key < b.key; });
  return !value.empty();
}

void Labels::to_long(Tree& tree, const Path& path, Diagnostics& diagnostics) {
  assignments_to_map(tree, path, diagnostics, true);
  for (Member& member : tree.members) {
    if (!member.value.is_null() || member.value.directive != Tree::Directive::none) continue;
    member.value.kind = Tree::Kind::string;
  }
}
bool Labels::decode(const In& in, Pairs& value) {
  if (!in.tree.is_map()) return in.wrong_kind("a map or a list of NAME=value"), false;
  return decode_pairs(in, value);
}
bool Labels::encode(const Pairs& value, Tree& out) {
  encode_pairs(value, out);
  std::sort(out.members.begin(), out.members.end(), [](const Member& a, const Member& b) { return a.key < b.key; });
  return !value.empty();
}

bool Options::decode(const In& in, Pairs& value) {
  for (const Member& member : in.tree.members) {
    if (member.value.kind != Tree::Kind::boolean) continue;
    in.diagnostics.error(member.value.span,
                         fmt::format("{}.{} must be a string or a number, not a boolean", in.path.str(), member.key),
                         fmt::format("write \"{}\"", member.value.text));
  }
  return decode_pairs(in, value);
}
bool Options::encode(const Pairs& value, Tree& out) {
  return Labels::encode(value, out);
}

// ---- extra_hosts: [ "name=address", ... ]; the map and "name:address" are other forms of it.

namespace {

/// The address without brackets; several may stand in one entry, with commas.
void add_host(Tree& list, std::string_view name, std::string_view addresses, const Tree& from) {
  for (const std::string& part : split(addresses, ',')) {
    std::string_view address = trim(part);
    if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
    list.items.push_back(Tree::string(fmt::format("{}={}", name, address), from.span));
  }
}

}  // namespace

void Hosts::to_long(Tree& tree, const Path& path, Diagnostics& diagnostics) {
  Tree list = Tree::list(tree.span);
  for (const Tree& item : tree.items) {
    size_t separator = item.text.find_first_of("=:");
    if (!item.is_string() || separator == std::string::npos || separator == 0 || separator + 1 == item.text.size()) {
      diagnostics.error(item.span, fmt::format("{}: \"{}\" is not a host entry", path.str(), item.text),
                        "write NAME=ADDRESS");
      continue;
    }
    std::string_view text = item.text;
    add_host(list, trim(text.substr(0, separator)), text.substr(separator + 1), item);
  }
  for (const Member& member : tree.members) {
    if (member.value.is_list()) {
      for (const Tree& address : member.value.items) add_host(list, member.key, address.text, address);
    } else if (member.value.text.empty()) {
      diagnostics.error(member.key_span, fmt::format("{}: \"{}\" has no address", path.str(), member.key));
    } else {
      add_host(list, member.key, member.value.text, member.value);
    }
  }
  if (tree.is_list() || tree.is_map()) replace_value(tree, std::move(list));
}
bool Hosts::decode(const In& in, Pairs& value) {
  if (!in.tree.is_list()) return in.wrong_kind("a list of NAME=ADDRESS or a map"), false;
  for (const Tree& item : in.tree.items) {
    size_t equals = item.text.find('=');
    value.emplace_back(item.text.substr(0, equals), item.text.substr(equals + 1));
  }
  return true;
}
bool Hosts::encode(const Pairs& value, Tree& out) {
  out = Tree::list();
  for (const auto& [name, address] : value) out.items.push_back(Tree::string(name + "=" + address));
  std::stable_sort(out.items.begin(), out.items.end(), [](const Tree& a, const Tree& b) { return a.text < b.text; });
  return !value.empty();
}

}  // namespace berth::compose
