#include "compose/items.h"

namespace berth::compose {

void each_item(Tree& tree, const Path& path, Diagnostics& diagnostics, RewriteItem rewrite) {
  if (!tree.is_list()) return;
  std::vector<Tree> items;
  for (size_t i = 0; i < tree.items.size(); ++i) {
    Tree& item = tree.items[i];
    Path item_path{&path, {}, static_cast<long>(i)};
    if (item.is_map()) {
      items.push_back(std::move(item));
    } else if (item.is_scalar() && !item.is_null()) {
      rewrite(item, item_path, diagnostics, items);
      if (items.size() > kMaxGrowth) break;  // whoever called reports it
    } else {
      In{item, item_path, diagnostics}.wrong_kind("a string or a map");
    }
  }
  tree.items = std::move(items);
}

void set_span(Tree& tree, const SourceSpan& span) {
  tree.span = span;
  for (Tree& item : tree.items) set_span(item, span);
  for (Member& member : tree.members) {
    member.key_span = span;
    set_span(member.value, span);
  }
}

Tree map_at(const SourceSpan& span, std::initializer_list<std::pair<std::string_view, std::string>> entries) {
  Tree map = Tree::map(span);
  for (const auto& [key, text] : entries) map.set(key, Tree::string(text, span));
  return map;
}

void require_key(const Tree& item, const Path& path, std::string_view key, Diagnostics& diagnostics) {
  if (!item.is_map() || item.find(key) != nullptr) return;
  diagnostics.error(item.span, fmt::format("{}: the {} is missing", path.str(), key));
}

void require_keys(const In& in, const char* key) {
  for (size_t i = 0; i < in.tree.items.size(); ++i) {
    require_key(in.tree.items[i], {&in.path, {}, static_cast<long>(i)}, key, in.diagnostics);
  }
}

}  // namespace berth::compose
