#include "compose/attrs.h"

#include <fmt/core.h>

#include <algorithm>

namespace berth::compose {
namespace {

/// Whether a value is, or lists, a text with a variable in it whose parts have a meaning each.
bool divided_by_variables(const Tree& tree, Merge rule) {
  bool divided = rule == Merge::by_port || rule == Merge::by_target || rule == Merge::replace;
  if (!divided) return false;
  if (tree.is_string()) return tree.text.find('$') != std::string::npos;
  return std::any_of(tree.items.begin(), tree.items.end(),
                     [](const Tree& item) { return item.is_string() && item.text.find('$') != std::string::npos; });
}

/// One walk over a document.
class LongForm {
 public:
  LongForm(Growth& growth, Diagnostics& diagnostics) : growth_(growth), diagnostics_(diagnostics) {}

  void object(Tree& tree, const Table& table, const Path& path) {
    for (Member& member : tree.members) {
      const Attr* row = table.find(member.key);
      if (row != nullptr) value(member.value, *row, {&path, row->key});
    }
  }

 private:
  void value(Tree& tree, const Attr& row, const Path& path) {
    if (tree.is_null()) return;
    if (row.to_long != nullptr) rewrite(tree, row, path);
    switch (row.below.kind) {
      case Below::Kind::nothing:
        return;
      case Below::Kind::object:
        return object(tree, row.below.table(), path);
      case Below::Kind::map_of_objects:
        for (Member& member : tree.members) object(member.value, row.below.table(), {&path, member.key});
        return;
      case Below::Kind::list_of_objects:
        for (size_t i = 0; i < tree.items.size(); ++i) {
          object(tree.items[i], row.below.table(), {&path, {}, static_cast<long>(i)});
        }
        return;
    }
  }

  void rewrite(Tree& tree, const Attr& row, const Path& path) {
    if (growth_.items > kMaxGrowth) return;
    if (growth_.with_variables && divided_by_variables(tree, row.merge)) return;
    size_t before = tree.items.size();
    row.to_long(tree, path, diagnostics_);
    if (tree.items.size() <= before) return;
    growth_.items += tree.items.size() - before;
    if (growth_.items <= kMaxGrowth) return;
    diagnostics_.error(tree.span, fmt::format("{}: the files stand for more than {} entries", path.str(), kMaxGrowth));
  }

  Growth& growth_;
  Diagnostics& diagnostics_;
};

}  // namespace

void object_to_long_form(Tree& tree, const Table& table, const Path& path, Growth& growth, Diagnostics& diagnostics) {
  LongForm(growth, diagnostics).object(tree, table, path);
}

}  // namespace berth::compose
