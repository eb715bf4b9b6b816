#include "cli/images/screen.h"

#include <fmt/core.h>

#include "base/text.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "sys/file.h"

namespace berth::cli {
namespace {

constexpr std::chrono::milliseconds kBetweenDraws{80};

/// As much of the text as fits into one row: a line that wraps could not be drawn over.
std::string cut(const std::string& text, size_t columns) {
  if (columns == 0 || display_width(text) < columns) return text;
  return text.substr(0, columns - 1);
}

}  // namespace

void Screen::set(const std::string& key, const std::string& text, bool finished) {
  auto [place, is_new] = places_.emplace(key, lines_.size());
  if (is_new) lines_.push_back({key, {}, false});
  lines_[place->second].text = text;
  lines_[place->second].finished = finished;
  auto now = std::chrono::steady_clock::now();
  if (!is_new && now - last_draw_ < kBetweenDraws) return;
  last_draw_ = now;
  draw(false);
}

void Screen::finish() {
  if (!lines_.empty()) draw(true);
  lines_.clear();
  places_.clear();
  drawn_ = 0;
}

void Screen::draw(bool all) {
  WindowSize window = window_size(sys::FdRef(fd_));
  size_t room = all || window.rows == 0 ? lines_.size() : static_cast<size_t>(window.rows - 1);
  size_t too_many = lines_.size() > room ? lines_.size() - room : 0;
  std::string text = drawn_ > 0 ? fmt::format("\033[{}A\r\033[J", drawn_) : "";
  drawn_ = 0;
  for (const Line& line : lines_) {
    if (too_many > 0 && (line.finished || lines_.size() - static_cast<size_t>(&line - lines_.data()) > room)) {
      --too_many;
      continue;
    }
    if (!all && drawn_ == room) break;
    text += cut(line.text, window.columns) + "\n";
    ++drawn_;
  }
  (void)sys::write_all(sys::FdRef(fd_), text);  // a terminal that has gone need not see it
}

}  // namespace berth::cli
