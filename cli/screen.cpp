#include "cli/screen.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/text.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "sys/file.h"

namespace berth::cli {
namespace {

constexpr std::chrono::milliseconds kBetweenDraws{80};

/// As much of the text as fits into the columns: a line that wraps could not be drawn over.
std::string cut(std::string text, size_t columns) {
  std::replace(text.begin(), text.end(), '\t', ' ');  // whose width depends on its place
  constexpr size_t kMostBytes = 4;                    // of a character; those that take no column may be lost
  text.resize(std::min(text.size(), columns * kMostBytes));
  while (display_width(text) > columns) {
    while ((static_cast<unsigned char>(text.back()) & 0xC0) == 0x80 && text.size() > 1) text.pop_back();
    text.pop_back();
  }
  return text;
}

/// The line as it is shown, without its tint; `columns`: of the window, 0 = not known.
std::string row_of(const Screen::Line& line, size_t columns) {
  if (columns == 0) return line.text + (line.right.empty() ? "" : "  " + line.right);
  size_t room = columns - 1, right = line.right.empty() ? 0 : line.right.size() + 1;
  if (right >= room) return cut(line.text, room);
  std::string text = cut(line.text, room - right);
  if (right == 0) return text;
  return text + std::string(room - right - display_width(text) + 1, ' ') + line.right;
}

}  // namespace

size_t Screen::rows() const {
  return window_size(sys::FdRef(fd_)).rows;
}

bool Screen::is_due() const {
  return std::chrono::steady_clock::now() - last_draw_ >= kBetweenDraws;
}

void Screen::draw(const std::vector<Line>& lines) {
  size_t window = rows();
  show(lines, window == 0 ? lines.size() : window - 1);
}

void Screen::finish(const std::vector<Line>& lines) {
  if (!lines.empty()) show(lines, lines.size());
  widths_.clear();
}

void Screen::show(const std::vector<Line>& lines, size_t room) {
  last_draw_ = std::chrono::steady_clock::now();
  size_t columns = window_size(sys::FdRef(fd_)).columns, drawn = 0;
  // A window that has become narrower has broken our lines into several rows.
  for (size_t width : widths_) drawn += columns == 0 || width == 0 ? 1 : (width + columns - 1) / columns;
  widths_.clear();
  std::string text = drawn > 0 ? fmt::format("\033[{}A\r", drawn) : "";
  size_t too_many = lines.size() > room ? lines.size() - room : 0;
  size_t finished =
      static_cast<size_t>(std::count_if(lines.begin(), lines.end(), [](auto& one) { return one.finished; }));
  size_t others = too_many > finished ? too_many - finished : 0;  // that have to go as well
  for (const Line& line : lines) {
    size_t& budget = line.finished ? too_many : others;
    if (budget > 0) {
      --budget;
      continue;
    }
    std::string row = row_of(line, columns);
    widths_.push_back(display_width(row));
    text += fmt::format("{}{}{}\033[K\n", line.tint, row, *line.tint == '\0' ? "" : "\033[0m");
  }
  (void)sys::write_all(sys::FdRef(fd_), text + "\033[J");  // a terminal that has gone need not see it
}

}  // namespace berth::cli
