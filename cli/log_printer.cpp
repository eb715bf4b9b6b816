#include "cli/log_printer.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>

#include "base/clock.h"
#include "base/text.h"

namespace berth::cli {
namespace {

// In the order in which Docker Compose gives them away.
constexpr const char* kColours[] = {"\033[36m",   "\033[33m",   "\033[32m",   "\033[35m",   "\033[34m",
                                    "\033[36;1m", "\033[33;1m", "\033[32;1m", "\033[35;1m", "\033[34;1m"};
constexpr const char* kReset = "\033[0m";

/// Length of the SGR sequence (ESC [ digits and ; m) at the beginning of the text, or 0.
size_t sgr_length(std::string_view text) {
  if (text.size() < 3 || text[0] != '\033' || text[1] != '[') return 0;
  size_t end = text.find_first_not_of("0123456789;", 2);
  return end != std::string_view::npos && text[end] == 'm' ? end + 1 : 0;
}

}  // namespace

std::string safe_for_terminal(std::string_view text) {
  std::string safe;
  if (!text.empty() && text.back() == '\r') text.remove_suffix(1);  // a terminal's line end
  while (!text.empty()) {
    if (size_t length = sgr_length(text); length > 0) {
      safe += text.substr(0, length);
      text.remove_prefix(length);
      continue;
    }
    size_t next = text.find('\033', 1);
    safe += printable(text.substr(0, next));
    text.remove_prefix(std::min(next, text.size()));
  }
  return safe;
}

LogPrinter::LogPrinter(LogStyle style) : style_(style), terminal_(isatty(STDOUT_FILENO) == 1) {}

void LogPrinter::add_source(const std::string& name) {
  auto [entry, fresh] = sources_.try_emplace(name);
  if (fresh) entry->second.colour = (sources_.size() - 1) % std::size(kColours);
  width_ = std::max(width_, name.size());
}

std::string LogPrinter::prefix_of(const std::string& name, const Source& source) const {
  if (!style_.prefix) return {};
  std::string padded = fmt::format("{:<{}}  | ", printable(name), width_);
  return style_.colour ? kColours[source.colour] + padded + kReset : padded;
}

void LogPrinter::write_line(const std::string& name, const Source& source, int stream, int64_t time_ns,
                            std::string_view text) {
  FILE* out = style_.split_streams && stream == 2 ? stderr : stdout;
  std::string line = prefix_of(name, source);
  if (style_.timestamps) line += format_rfc3339(time_ns) + " ";
  if (terminal_)
    line += safe_for_terminal(text);
  else
    line += text;
  line += '\n';
  fwrite(line.data(), 1, line.size(), out);
}

void LogPrinter::print(const std::string& name, const engine::LogEntry& entry) {
  Source& source = sources_[name];
  size_t index = entry.stream == 2 ? 1 : 0;
  std::string& open = source.open[index];
  if (open.empty()) source.open_since[index] = entry.time_ns;
  if (open.empty() && !entry.partial) return write_line(name, source, entry.stream, entry.time_ns, entry.text);
  open += entry.text;
  if (entry.partial && open.size() < (1 << 20)) return;
  std::string line = std::move(open);
  open.clear();
  write_line(name, source, entry.stream, source.open_since[index], line);
}

void LogPrinter::flush(const std::string& name) {
  Source& source = sources_[name];
  for (int index : {0, 1}) {
    if (source.open[index].empty()) continue;
    std::string line = std::move(source.open[index]);
    source.open[index].clear();
    write_line(name, source, index + 1, source.open_since[index], line);
  }
}

void LogPrinter::remark(const std::string& name, const std::string& text) {
  flush(name);
  fflush(stdout);
  const Source& source = sources_[name];
  if (style_.colour)
    fmt::print("{}{} {}{}\n", kColours[source.colour], printable(name), text, kReset);
  else
    fmt::print("{} {}\n", printable(name), text);
}

}  // namespace berth::cli
