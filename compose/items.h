#pragma once

#include <fmt/core.h>

#include <string>
#include <utility>
#include <vector>

#include "compose/codecs.h"

namespace berth::compose {

// What the codecs of lists with a short form (ports, volumes, ...) have in common.

/// Makes one item (or several, or after an error none) of a scalar.
using RewriteItem = void (*)(Tree& item, const Path& path, Diagnostics& diagnostics, std::vector<Tree>& out);

/// Rewrites each scalar item of a list. Maps stay.
void each_item(Tree& tree, const Path& path, Diagnostics& diagnostics, RewriteItem rewrite);

/// Gives a tree that was made from a short form the place of that form.
void set_span(Tree& tree, const SourceSpan& span);

Tree map_at(const SourceSpan& span, std::initializer_list<std::pair<std::string_view, std::string>> entries);

/// Every item must have the key.
void require_keys(const In& in, const char* key);

/// Shown only if there is something to show.
template <class Base>
struct IfAny : Base {
  static bool encode(const std::string& value, Tree& out) { return !value.empty() && Base::encode(value, out); }
};

template <class T, const Table& (*kTable)()>
bool decode_items(const In& in, std::vector<T>& value) {
  if (!ObjectList<T, kTable>::decode(in, value)) return false;
  if constexpr (requires(T item) { item.span; }) {
    for (size_t i = 0; i < value.size(); ++i) value[i].span = in.tree.items[i].span;
  }
  return true;
}

}  // namespace berth::compose
