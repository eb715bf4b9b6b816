#include <fmt/core.h>

#include <algorithm>
#include <unordered_map>

#include "compose/attrs.h"
#include "compose/passes.h"

namespace berth::compose {
namespace {

std::string text_of(const Tree& map, std::string_view key, std::string_view fallback = {}) {
  const Tree* value = map.find(key);
  return value != nullptr && !value->is_null() ? value->text : std::string(fallback);
}

std::string port_key(const Tree& port) {
  return fmt::format("{}|{}|{}|{}", text_of(port, "host_ip"), text_of(port, "published"), text_of(port, "target"),
                     text_of(port, "protocol", "tcp"));
}

/// What makes an entry of a list the same entry as another, or "" where every entry is one of its own.
std::string identity(const Tree& item, Merge rule) {
  if (item.is_scalar() && rule != Merge::unique) return {};  // a short form with variables left in
  switch (rule) {
    case Merge::unique:
      return item.is_scalar() ? "=" + item.text : std::string();
    case Merge::by_port:
      return port_key(item);
    case Merge::by_target:
      return text_of(item, "target", text_of(item, "source"));
    case Merge::by_secret_target:
      return text_of(item, "target", "/run/secrets/" + text_of(item, "source"));
    case Merge::by_config_target:
      return text_of(item, "target", "/" + text_of(item, "source"));
    case Merge::by_path:
      return text_of(item, "path");
    case Merge::by_subnet:
      return text_of(item, "subnet");
    case Merge::deep:
    case Merge::replace:
    case Merge::pairs:
    case Merge::logging:
      return {};
  }
  return {};
}

void merge_any(Tree& base, Tree later, const Path& path, Diagnostics& diagnostics);

void append_items(Tree& base, Tree later, Merge rule, const Path& path, Diagnostics& diagnostics) {
  std::unordered_map<std::string, size_t> places;  // by identity
  if (rule != Merge::deep) {
    for (size_t i = 0; i < base.items.size(); ++i) places.emplace(identity(base.items[i], rule), i);
  }
  for (Tree& item : later.items) {
    std::string id = identity(item, rule);
    auto [place, is_new] = id.empty() ? std::pair(places.end(), true) : places.emplace(id, base.items.size());
    if (is_new)
      base.items.push_back(std::move(item));
    else if (rule == Merge::by_target || rule == Merge::by_secret_target || rule == Merge::by_config_target)
      take_place(base.items[place->second], std::move(item));
    else if (rule == Merge::by_subnet)
      merge_any(base.items[place->second], std::move(item), path, diagnostics);
  }
}

/// Whether the directive on the later value decided the matter by itself.
bool apply_directive(Tree& base, Tree& later) {
  if (later.directive == Tree::Directive::none) return false;
  take_place(base, std::move(later));  // a reset value is taken out when the document is merged: see settle()
  return true;
}

bool clash(const Tree& base, const Tree& later) {
  if (base.is_null() || later.is_null()) return false;
  return base.is_map() != later.is_map() || base.is_list() != later.is_list();
}

void report_clash(const Tree& base, const Tree& later, const Path& path, Diagnostics& diagnostics) {
  diagnostics.error(later.span,
                    fmt::format("{}: {} cannot override {}", path.str(), kind_name(later.kind), kind_name(base.kind)));
  if (base.span.known()) diagnostics.note(base.span, "the earlier value is here");
}

/// Each key of the later map lands in `one`, or in the base as it is where the base has no such key.
template <class One>
void merge_members(Tree& base, Tree later, One one) {
  KeyIndex index(base);
  for (Member& member : later.members) {
    std::optional<size_t> place = index.find(member.key);
    if (!place) {
      index.add(member.key);
      base.members.push_back(std::move(member));
    } else if (Tree& old = base.members[*place].value; !apply_directive(old, member.value)) {
      one(old, std::move(member));
    }
  }
}

/// The rule where no table knows better: maps key by key, lists appended, scalars replaced, null keeps.
void merge_any(Tree& base, Tree later, const Path& path, Diagnostics& diagnostics) {
  if (later.is_null()) return;
  if (clash(base, later)) return report_clash(base, later, path, diagnostics);
  if (base.is_null() || later.is_scalar()) {
    take_place(base, std::move(later));
  } else if (later.is_list()) {
    append_items(base, std::move(later), Merge::deep, path, diagnostics);
  } else {
    merge_members(base, std::move(later), [&](Tree& old, Member member) {
      Path below{&path, member.key};
      merge_any(old, std::move(member.value), below, diagnostics);
    });
  }
}

bool same_driver(const Tree& base, const Tree& later) {
  std::string a = text_of(base, "driver");
  std::string b = text_of(later, "driver");
  return a.empty() || b.empty() || a == b;
}

void merge_value(Tree& base, Tree later, const Attr& row, const Path& path, Diagnostics& diagnostics) {
  if (row.merge == Merge::replace || base.is_null()) {
    take_place(base, std::move(later));
    return;
  }
  if (later.is_null()) return;
  if (clash(base, later)) return report_clash(base, later, path, diagnostics);
  if (row.merge == Merge::logging && !same_driver(base, later)) {
    take_place(base, std::move(later));
    return;
  }
  if (row.merge == Merge::pairs) {
    return merge_members(base, std::move(later),
                         [](Tree& old, Member member) { take_place(old, std::move(member.value)); });
  }
  if (later.is_list()) return append_items(base, std::move(later), row.merge, path, diagnostics);
  switch (row.below.kind) {
    case Below::Kind::object:
      return merge_object(base, std::move(later), row.below.table(), path, diagnostics);
    case Below::Kind::map_of_objects:
      return merge_members(base, std::move(later), [&](Tree& old, Member member) {
        Path below{&path, member.key};
        if (member.value.is_null()) return;
        if (clash(old, member.value)) return report_clash(old, member.value, below, diagnostics);
        if (old.is_null())
          take_place(old, std::move(member.value));
        else
          merge_object(old, std::move(member.value), row.below.table(), below, diagnostics);
      });
    case Below::Kind::list_of_objects:
    case Below::Kind::nothing:
      return merge_any(base, std::move(later), path, diagnostics);
  }
}

}  // namespace

void merge_object(Tree& base, Tree later, const Table& table, const Path& path, Diagnostics& diagnostics) {
  merge_members(base, std::move(later), [&](Tree& old, Member member) {
    const Attr* row = table.find(member.key);
    Path below{&path, member.key};
    if (row != nullptr)
      merge_value(old, std::move(member.value), *row, below, diagnostics);
    else
      merge_any(old, std::move(member.value), below, diagnostics);
  });
}

void drop_repetitions(Tree& tree, const Table& table) {
  static const Path kNowhere;
  for (Member& member : tree.members) {
    const Attr* row = table.find(member.key);
    if (row == nullptr) continue;
    if (member.value.is_list() && row->merge != Merge::deep && row->merge != Merge::replace) {
      Diagnostics unused;  // entries of one kind cannot clash
      std::vector<Tree> items = std::move(member.value.items);
      member.value.items.clear();
      Tree again = Tree::list();
      again.items = std::move(items);
      append_items(member.value, std::move(again), row->merge, kNowhere, unused);
    }
    switch (row->below.kind) {
      case Below::Kind::nothing:
        break;
      case Below::Kind::object:
        drop_repetitions(member.value, row->below.table());
        break;
      case Below::Kind::map_of_objects:
        for (Member& below : member.value.members) drop_repetitions(below.value, row->below.table());
        break;
      case Below::Kind::list_of_objects:
        for (Tree& item : member.value.items) drop_repetitions(item, row->below.table());
        break;
    }
  }
}

namespace {

bool is_reset(const Tree& tree) {
  return tree.directive == Tree::Directive::reset;
}

void settle_below(Tree& tree, const Path& path, Removed& removed) {
  for (Member& member : tree.members) {
    Path below{&path, member.key};
    if (is_reset(member.value))
      removed.emplace_back(below.str(), std::move(member.value));
    else
      settle_below(member.value, below, removed);
  }
  for (size_t i = 0; i < tree.items.size(); ++i) {
    if (!is_reset(tree.items[i])) settle_below(tree.items[i], {&path, {}, static_cast<long>(i)}, removed);
  }
  std::erase_if(tree.members, [](const Member& member) { return is_reset(member.value); });
  std::erase_if(tree.items, is_reset);
  tree.directive = Tree::Directive::none;
}

}  // namespace

void settle(Tree& tree, Removed& removed) {
  static const Path kRoot;
  settle_below(tree, kRoot, removed);
}

void settle(Tree& tree) {
  Removed unused;
  settle(tree, unused);
}

}  // namespace berth::compose
