#include "dockerfile/text.h"

#include <algorithm>

namespace berth::dockerfile {

void Joined::add(std::string_view piece, int line, int column) {
  pieces_.push_back({text_.size(), line, column});
  text_ += piece;
}

SourceSpan Joined::span(size_t begin, size_t length) const {
  auto after = std::upper_bound(pieces_.begin(), pieces_.end(), begin,
                                [](size_t offset, const Piece& piece) { return offset < piece.begin; });
  if (after == pieces_.begin()) return {file_, 0, 0, 0};
  const Piece& piece = *(after - 1);
  size_t end = after == pieces_.end() ? text_.size() : after->begin;
  size_t shown = std::min(length, end - std::min(begin, end));
  return {file_, piece.line, piece.column + static_cast<int>(begin - piece.begin), static_cast<int>(shown)};
}

Text Joined::piece(size_t begin, size_t length) const {
  return {text_.substr(begin, length), span(begin, length)};
}

}  // namespace berth::dockerfile
