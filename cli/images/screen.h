#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace berth::cli {

/// Lines on a terminal that change in place, each under a key; below what was printed before. Not for several threads.
class Screen {
 public:
  explicit Screen(int fd) : fd_(fd) {}

  /// The line of a key is this text now; a new key's comes last. Drawn a few times a second. The least important lines
  /// (`finished`) make room where the terminal has fewer rows.
  void set(const std::string& key, const std::string& text, bool finished);
  /// Draws what has not been drawn yet. Afterwards the lines stay as they are, and new ones begin below.
  void finish();

 private:
  struct Line {
    std::string key, text;
    bool finished = false;
  };
  void draw(bool all);

  int fd_;
  std::vector<Line> lines_;
  std::map<std::string, size_t> places_;
  size_t drawn_ = 0;  // lines that stand on the terminal and are ours
  std::chrono::steady_clock::time_point last_draw_;
};

}  // namespace berth::cli
