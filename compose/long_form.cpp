#include "compose/attrs.h"

namespace berth::compose {
namespace {

void value_to_long_form(Tree& tree, const Attr& row, const Path& path, Diagnostics& diagnostics) {
  if (tree.is_null()) return;
  if (row.to_long != nullptr) row.to_long(tree, path, diagnostics);
  switch (row.below.kind) {
    case Below::Kind::nothing:
      return;
    case Below::Kind::object:
      return object_to_long_form(tree, row.below.table(), path, diagnostics);
    case Below::Kind::map_of_objects:
      for (Member& member : tree.members) {
        object_to_long_form(member.value, row.below.table(), {&path, member.key}, diagnostics);
      }
      return;
    case Below::Kind::list_of_objects:
      for (size_t i = 0; i < tree.items.size(); ++i) {
        object_to_long_form(tree.items[i], row.below.table(), {&path, {}, static_cast<long>(i)}, diagnostics);
      }
      return;
  }
}

}  // namespace

void object_to_long_form(Tree& tree, const Table& table, const Path& path, Diagnostics& diagnostics) {
  for (Member& member : tree.members) {
    const Attr* row = table.find(member.key);
    if (row != nullptr) value_to_long_form(member.value, *row, {&path, row->key}, diagnostics);
  }
}

}  // namespace berth::compose
