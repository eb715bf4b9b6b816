#include "dockerfile/lines.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "dockerfile/words.h"

namespace berth::dockerfile {
namespace {

constexpr std::string_view kBlank = " \t\v\f\r";

std::string_view without_left_blanks(std::string_view text) {
  size_t first = text.find_first_not_of(kBlank);
  return first == std::string_view::npos ? std::string_view() : text.substr(first);
}

class LineReader {
 public:
  LineReader(std::shared_ptr<const SourceFile> file, std::string_view text, Diagnostics& diagnostics)
      : file_(std::move(file)), rest_(text), diagnostics_(diagnostics) {
    if (rest_.starts_with("\xEF\xBB\xBF")) rest_.remove_prefix(3);
  }

  Lines read() {
    while (next()) {
      std::string_view trimmed = without_left_blanks(line_);
      if (directives_possible_ && directive(trimmed)) continue;
      if (trimmed.empty() || trimmed.front() == '#') continue;
      instruction(trimmed);
    }
    return std::move(lines_);
  }

 private:
  /// The next physical line without its end, into line_.
  bool next() {
    if (rest_.empty()) return false;
    size_t end = rest_.find('\n');
    line_ = rest_.substr(0, end);
    rest_ = end == std::string_view::npos ? std::string_view() : rest_.substr(end + 1);
    if (line_.ends_with('\r')) line_.remove_suffix(1);
    ++number_;
    return true;
  }

  [[nodiscard]] int column_of(std::string_view part) const { return static_cast<int>(part.data() - line_.data()) + 1; }
  [[nodiscard]] SourceSpan span_of(std::string_view part) const {
    return {file_, number_, column_of(part), static_cast<int>(part.size())};
  }

  /// True for a line that is a directive, or has the form of one. The first that has not ends them.
  bool directive(std::string_view trimmed) {
    size_t equals = trimmed.find('=');
    directives_possible_ = trimmed.starts_with('#') && equals != std::string_view::npos;
    if (!directives_possible_) return false;
    std::string_view key = trim(trimmed.substr(1, equals - 1)), value = trim(trimmed.substr(equals + 1));
    directives_possible_ = !value.empty() && key.find_first_of(kBlank) == std::string_view::npos;
    if (!directives_possible_) return false;
    std::string name = to_lower(key);
    Text text{std::string(value), span_of(value)};
    Directives& all = lines_.directives;
    if (name == "syntax") return set_once(all.syntax, std::move(text), name);
    if (name == "check") return set_once(all.check, std::move(text), name);
    if (name != "escape") return true;  // one that later versions may know
    if (escape_set_) diagnostics_.error(text.span, "only one escape directive can be used");
    escape_set_ = true;
    if (value == "\\" || value == "`")
      all.escape = value.front();
    else
      diagnostics_.error(text.span,
                         fmt::format("the escape character is \"\\\" or \"`\", not \"{}\"", printable(value)));
    return true;
  }

  bool set_once(std::optional<Text>& place, Text text, const std::string& name) {
    if (place)
      diagnostics_.error(text.span, fmt::format("only one {} directive can be used", name));
    else
      place = std::move(text);
    return true;
  }

  /// Whether the line is continued: it ends in the escape character, which is not itself escaped. Takes that off.
  bool take_continuation(std::string_view& line) const {
    size_t last = line.find_last_not_of(" \t");
    if (last == std::string_view::npos || line[last] != lines_.directives.escape) return false;
    if (last > 0 && line[last - 1] == lines_.directives.escape) return false;
    line = line.substr(0, last);
    return true;
  }

  void instruction(std::string_view first) {
    directives_possible_ = false;
    Line line{Joined(file_), {}};
    std::string_view part = first;
    int begun = number_;
    for (;;) {
      bool more = take_continuation(part);
      line.text.add(part, number_, column_of(part));
      if (!more || !next_continued(begun)) break;
      part = line_;
    }
    if (trim(line.text.text()).empty()) return;
    take_heredocs(line);
    lines_.lines.push_back(std::move(line));
  }

  /// The line that continues an instruction: comments and empty lines between are passed over.
  bool next_continued(int begun) {
    bool empty_seen = false;
    while (next()) {
      std::string_view trimmed = without_left_blanks(line_);
      if (trimmed.starts_with('#')) continue;
      if (!trimmed.empty()) return true;
      if (!empty_seen)
        diagnostics_.warning({file_, number_, 1, 0},
                             fmt::format("an empty line inside of the instruction that begins in line {}", begun));
      empty_seen = true;
    }
    return false;
  }

  void take_heredocs(Line& line) {
    if (!may_have_heredocs(line.text.text())) return;
    for (HeredocWord& word : heredoc_words(line.text, lines_.directives.escape)) {
      Heredoc heredoc{std::move(word.delimiter), word.expand, {}, std::move(word.span)};
      if (!read_heredoc(heredoc, word.strip_tabs)) {
        diagnostics_.error(
            heredoc.span, fmt::format("the heredoc has no end: no line is \"{}\"", printable(heredoc.delimiter.value)));
      }
      line.heredocs.push_back(std::move(heredoc));
    }
  }

  bool read_heredoc(Heredoc& heredoc, bool strip_tabs) {
    while (next()) {
      std::string_view text = line_;
      if (strip_tabs) text.remove_prefix(std::min(text.find_first_not_of('\t'), text.size()));
      if (text == heredoc.delimiter.value) return true;
      heredoc.content += text;
      heredoc.content += '\n';
    }
    return false;
  }

  /// Looks behind any number of ONBUILDs.
  static bool may_have_heredocs(std::string_view text) {
    constexpr std::array<std::string_view, 3> kWithHeredocs = {"run", "copy", "add"};
    for (;;) {
      text = without_left_blanks(text);
      size_t end = std::min(text.find_first_of(kBlank), text.size());
      std::string word = to_lower(text.substr(0, end));
      if (word != "onbuild") return std::find(kWithHeredocs.begin(), kWithHeredocs.end(), word) != kWithHeredocs.end();
      text.remove_prefix(end);
    }
  }

  std::shared_ptr<const SourceFile> file_;
  std::string_view rest_, line_;
  int number_ = 0;
  bool directives_possible_ = true, escape_set_ = false;
  Lines lines_;
  Diagnostics& diagnostics_;
};

}  // namespace

Lines read_lines(const std::shared_ptr<const SourceFile>& file, const std::string& text, Diagnostics& diagnostics) {
  return LineReader(file, text, diagnostics).read();
}

}  // namespace berth::dockerfile
