#include "compose/attrs.h"

#include <fmt/core.h>

namespace berth::compose {
namespace {

/// One walk over a document.
class LongForm {
 public:
  LongForm(LongFormRun& run, Diagnostics& diagnostics) : run_(run), diagnostics_(diagnostics) {}

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
    if (run_.grown > kMaxGrowth) return;
    size_t before = tree.items.size();
    bool by_item = row.below.kind == Below::Kind::list_of_objects || row.merge == Merge::unique;
    if (run_.as_written && tree.is_list() && by_item)
      rewrite_understood(tree, row, path);
    else if (!run_.as_written || !has_variable(tree) || row.merge != Merge::replace)  // a command would be split
      row.to_long(tree, path, diagnostics_);
    if (tree.items.size() <= before) return;
    run_.grown += tree.items.size() - before;
    if (run_.grown <= kMaxGrowth) return;
    diagnostics_.error(tree.span, fmt::format("{}: the files stand for more than {} entries", path.str(), kMaxGrowth));
  }

  static bool has_variable(const Tree& tree) { return tree.is_scalar() && tree.text.find('$') != std::string::npos; }

  /// Item by item, so that one with a variable does not keep the others back.
  void rewrite_understood(Tree& list, const Attr& row, const Path& path) {
    std::vector<Tree> items;
    for (Tree& item : list.items) {
      if (has_variable(item)) {
        items.push_back(std::move(item));
        continue;
      }
      Tree one = Tree::list(list.span);
      one.items.push_back(std::move(item));
      row.to_long(one, path, diagnostics_);
      for (Tree& rewritten : one.items) items.push_back(std::move(rewritten));
    }
    list.items = std::move(items);
  }

  LongFormRun& run_;
  Diagnostics& diagnostics_;
};

}  // namespace

void object_to_long_form(Tree& tree, const Table& table, const Path& path, LongFormRun& run, Diagnostics& diagnostics) {
  LongForm(run, diagnostics).object(tree, table, path);
}

}  // namespace berth::compose
