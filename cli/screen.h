#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace berth::cli {

/// Lines on a terminal that change in place, below what was printed before. The cursor stands below them and nothing of
/// the terminal is changed, so there is nothing to restore, whatever ends the program. Not for several threads.
class Screen {
 public:
  struct Line {
    std::string text;
    std::string right;      // at the right edge
    const char* tint = "";  // an escape sequence, taken back at the end of the line
    bool finished = false;
  };
  explicit Screen(int fd) : fd_(fd) {}

  /// Rows of the window; 0 = not known.
  [[nodiscard]] size_t rows() const;
  /// Whether it is time to draw again: a few times a second.
  [[nodiscard]] bool is_due() const;
  /// In the place of the lines that were drawn last, each as much of it as fits into a row. Where the window has too
  /// few rows, finished lines make room, the first ones first, and then others.
  void draw(const std::vector<Line>& lines);
  /// All lines, however many. They stay as they are, and what is drawn from now on begins below.
  void finish(const std::vector<Line>& lines);

 private:
  void show(const std::vector<Line>& lines, size_t room);

  int fd_;
  std::vector<size_t> widths_;  // columns of the lines that stand on the terminal and are ours
  std::chrono::steady_clock::time_point last_draw_;
};

}  // namespace berth::cli
