#include "cli/log_printer.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/clock.h"
#include "base/text.h"

namespace berth::cli {
namespace {

// In the order in which Docker Compose gives them away.
constexpr const char* kColours[] = {"\033[36m",   "\033[33m",   "\033[32m",   "\033[35m",   "\033[34m",
                                    "\033[36;1m", "\033[33;1m", "\033[32;1m", "\033[35;1m", "\033[34;1m"};
constexpr const char* kReset = "\033[0m";
constexpr size_t kOutputSize = 128 << 10;
constexpr size_t kLongestLine = 16 << 20;  // longer ones come in pieces

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

LogPrinter::LogPrinter(LogStyle style) : style_(style), terminal_(isatty(STDOUT_FILENO) == 1) {
  // A log may be long; nobody waits for single lines but where fflush() is called.
  if (!terminal_) setvbuf(stdout, nullptr, _IOFBF, kOutputSize);
}

LogPrinter::Source& LogPrinter::add_source(const std::string& name) {
  auto known =
      std::find_if(sources_.begin(), sources_.end(), [&](const Source& source) { return source.name == name; });
  if (known != sources_.end()) return *known;
  sources_.push_back({name, kColours[sources_.size() % std::size(kColours)], {}, {}, {}});
  width_ = std::max(width_, name.size());
  for (Source& source : sources_) {
    if (!style_.prefix) break;
    source.prefix = fmt::format("{:<{}}  | ", printable(source.name), width_);
    if (style_.colour) source.prefix = source.colour + source.prefix + kReset;
  }
  return sources_.back();
}

void LogPrinter::add_time(int64_t time_ns) {
  constexpr size_t kFraction = 10;  // "123456789Z"
  if (time_ns < 0 || time_ns / kSecondNs != second_) {
    second_text_ = format_rfc3339(time_ns);
    second_text_.resize(second_text_.size() - kFraction);
    second_ = time_ns / kSecondNs;
  }
  char digits[kFraction + 1] = "000000000Z";
  for (int64_t i = 8, rest = time_ns % kSecondNs; i >= 0 && rest > 0; --i, rest /= 10)
    digits[i] = static_cast<char>('0' + rest % 10);
  line_.append(second_text_).append(digits, kFraction).append(1, ' ');
}

void LogPrinter::write_line(const Source& source, int stream, int64_t time_ns, std::string_view text) {
  line_.assign(source.prefix);
  if (style_.timestamps) add_time(time_ns);
  if (terminal_)
    line_ += safe_for_terminal(text);
  else
    line_ += text;
  line_ += '\n';
  fwrite_unlocked(line_.data(), 1, line_.size(), style_.split_streams && stream == 2 ? stderr : stdout);
}

void LogPrinter::print(Source& source, const engine::LogEntry& entry) {
  size_t index = entry.stream == 2 ? 1 : 0;
  std::string& open = source.open[index];
  if (entry.kind != engine::LogEntry::Kind::text) {
    if (entry.kind == engine::LogEntry::Kind::gap) return tell_gap(source, entry);
    if (!open.empty()) write_line(source, entry.stream, source.open_since[index], std::exchange(open, {}));
    return;
  }
  if (open.empty()) {
    if (!entry.partial) return write_line(source, entry.stream, entry.time_ns, entry.text);
    source.open_since[index] = entry.time_ns;
  }
  open += entry.text;
  if (entry.partial && open.size() < kLongestLine) return;
  write_line(source, entry.stream, source.open_since[index], std::exchange(open, {}));
}

void LogPrinter::tell_gap(Source& source, const engine::LogEntry& gap) {
  flush(source);
  fflush(stdout);
  std::string name = printable(source.name);
  if (gap.lost == 0)
    fmt::print(stderr, "{}: lines are missing here: rotation removed them before they were read\n", name);
  else
    fmt::print(stderr, "{}: {} {} missing here: {}\n", name, gap.lost, gap.lost == 1 ? "line is" : "lines are",
               strerror(gap.error));
}

void LogPrinter::flush(Source& source) {
  for (int index : {0, 1}) {
    std::string& open = source.open[index];
    if (!open.empty()) write_line(source, index + 1, source.open_since[index], std::exchange(open, {}));
  }
}

void LogPrinter::note(const std::string& text) {
  constexpr const char* kColour = "\033[92m";
  const std::string mark = std::string(width_, ' ') + "  ⦿ ";
  if (style_.prefix) fmt::print("{}{}{}", style_.colour ? kColour : "", mark, style_.colour ? kReset : "");
  fmt::print("{}\n", safe_for_terminal(text));
}

void LogPrinter::remark(Source& source, const std::string& text) {
  flush(source);
  if (!style_.remarks) return;
  fflush(stdout);
  if (style_.colour)
    fmt::print("{}{} {}{}\n", source.colour, printable(source.name), text, kReset);
  else
    fmt::print("{} {}\n", printable(source.name), text);
}

}  // namespace berth::cli
