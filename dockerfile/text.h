#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostics.h"

namespace berth::dockerfile {

/// A piece of a Dockerfile, and where it stands.
struct Text {
  std::string value;
  SourceSpan span;

  [[nodiscard]] bool empty() const { return value.empty(); }
};

/// The text of an instruction after its lines have been joined, with the way back to the file.
class Joined {
 public:
  explicit Joined(std::shared_ptr<const SourceFile> file) : file_(std::move(file)) {}

  /// Adds what stands at a place of the file; `column` counts bytes from 1.
  void add(std::string_view piece, int line, int column);

  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] bool empty() const { return text_.empty(); }
  /// Where the bytes [begin, begin+length) stand; what crosses a line break is cut there.
  [[nodiscard]] SourceSpan span(size_t begin, size_t length) const;
  [[nodiscard]] Text piece(size_t begin, size_t length) const;

 private:
  struct Piece {
    size_t begin;
    int line, column;
  };
  std::shared_ptr<const SourceFile> file_;
  std::string text_;
  std::vector<Piece> pieces_;
};

}  // namespace berth::dockerfile
