#include "compose/parse.h"

#include <fmt/core.h>
#include <yaml.h>

#include <algorithm>
#include <optional>

#include "compose/tree_builder.h"

namespace berth::compose {
namespace {

/// The length of the UTF-8 character at `at`, or 0 if there is none. Overlong forms and surrogates are none.
size_t utf8_length(std::string_view text, size_t at) {
  auto byte = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  auto tail = [&](size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
  unsigned first = byte(at);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return tail(at + 1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    if (first == 0xE0 && byte(at + 1) < 0xA0) return 0;
    if (first == 0xED && byte(at + 1) > 0x9F) return 0;
    return tail(at + 1) && tail(at + 2) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    if (first == 0xF0 && byte(at + 1) < 0x90) return 0;
    if (first == 0xF4 && byte(at + 1) > 0x8F) return 0;
    return tail(at + 1) && tail(at + 2) && tail(at + 3) ? 4 : 0;
  }
  return 0;
}

/// Where the text is not what YAML may consist of. Asked before the parser sees it, which would only name an offset.
std::optional<size_t> find_bad_byte(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    auto c = static_cast<unsigned char>(text[at]);
    if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7F) return at;
    if (c < 0x80) {
      ++at;
      continue;
    }
    size_t length = utf8_length(text, at);
    if (length == 0) return at;
    at += length;
  }
  return std::nullopt;
}

SourceSpan span_of_offset(const std::shared_ptr<const SourceFile>& file, std::string_view text, size_t offset) {
  std::string_view before = text.substr(0, offset);
  auto line = std::count(before.begin(), before.end(), '\n');
  size_t line_begin = before.rfind('\n') + 1;  // npos + 1 = 0
  return {file, static_cast<int>(line + 1), static_cast<int>(offset - line_begin + 1), 1};
}

/// Turns the parser's marks (line, and column in characters) into places (column in bytes).
class Places {
 public:
  Places(std::shared_ptr<const SourceFile> file, std::string_view text) : file_(std::move(file)), text_(text) {
    begins_.push_back(0);
    for (size_t at = text.find_first_of("\n\r\xC2\xE2"); at < text.size();
         at = text.find_first_of("\n\r\xC2\xE2", at)) {
      size_t length = break_at(at);
      at += std::max<size_t>(length, 1);
      if (length > 0) begins_.push_back(at);
    }
    one_byte_each_ = std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  }

  [[nodiscard]] size_t offset(const yaml_mark_t& mark) const {
    size_t at = begins_[std::min(mark.line, begins_.size() - 1)];
    if (one_byte_each_) return std::min(at + mark.column, text_.size());
    for (size_t i = 0; i < mark.column && at < text_.size(); ++i) at += std::max<size_t>(utf8_length(text_, at), 1);
    return std::min(at, text_.size());
  }

  [[nodiscard]] SourceSpan at(const yaml_mark_t& mark) const { return span(mark, offset(mark), 0); }

  /// What stands between the marks, as far as it is on one line; the caret goes below it.
  [[nodiscard]] SourceSpan between(const yaml_mark_t& begin, const yaml_mark_t& end) const {
    size_t from = offset(begin);
    size_t to = end.line == begin.line ? offset(end) : end_of_line(begin.line);
    return span(begin, from, to - std::min(from, to));
  }

 private:
  /// Every kind of line break that libyaml counts.
  [[nodiscard]] size_t break_at(size_t at) const {
    char c = text_[at];
    if (c == '\n') return 1;
    if (c == '\r') return text_.substr(at + 1).starts_with('\n') ? 2 : 1;
    std::string_view rest = text_.substr(at);
    if (c == '\xC2') return rest.starts_with("\xC2\x85") ? 2 : 0;
    return rest.starts_with("\xE2\x80\xA8") || rest.starts_with("\xE2\x80\xA9") ? 3 : 0;
  }
  [[nodiscard]] size_t end_of_line(size_t number) const {
    size_t end = number + 1 < begins_.size() ? begins_[number + 1] : text_.size();
    while (end > 0 && (text_[end - 1] == '\n' || text_[end - 1] == '\r')) --end;
    return end;
  }
  [[nodiscard]] SourceSpan span(const yaml_mark_t& mark, size_t from, size_t length) const {
    size_t column = from - begins_[std::min(mark.line, begins_.size() - 1)] + 1;
    return {file_, static_cast<int>(mark.line + 1), static_cast<int>(column), static_cast<int>(length)};
  }

  std::shared_ptr<const SourceFile> file_;
  std::string_view text_;
  std::vector<size_t> begins_;  // of each line
  bool one_byte_each_ = false;
};

/// libyaml's words for what it met, and what helps in the cases that people meet.
std::string advice(std::string_view problem, char met) {
  if (met == '\t') return "a tab cannot indent, use spaces";
  if (problem.find("mapping values") != std::string_view::npos) {
    return "is the indentation right? a text with \": \" in it needs quotes";
  }
  if (problem.find("cannot start any token") != std::string_view::npos) return "a text that begins so needs quotes";
  if (problem.find("did not find expected") != std::string_view::npos) return "is the indentation right?";
  return {};
}

std::string text_of(const yaml_char_t* text) {
  return text == nullptr ? std::string() : reinterpret_cast<const char*>(text);
}

/// One run of libyaml over one text.
class Run {
 public:
  Run(const std::shared_ptr<const SourceFile>& file, const std::string& text, ParseBudget& budget,
      Diagnostics& diagnostics)
      : text_(text), places_(file, text), builder_(budget, diagnostics), diagnostics_(diagnostics) {
    yaml_parser_initialize(&parser_);
    yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()), text.size());
  }
  ~Run() { yaml_parser_delete(&parser_); }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  std::vector<Tree> documents() {
    for (bool more = true; more;) {
      yaml_event_t event;
      if (yaml_parser_parse(&parser_, &event) == 0) return report_syntax(), std::vector<Tree>();
      more = event.type != YAML_STREAM_END_EVENT;
      try {
        take(event);
      } catch (const StopParsing&) {
        yaml_event_delete(&event);
        return {};
      }
      yaml_event_delete(&event);
    }
    return builder_.take();
  }

 private:
  void take(const yaml_event_t& event) {
    switch (event.type) {
      case YAML_DOCUMENT_START_EVENT:
        return builder_.start_document();
      case YAML_ALIAS_EVENT:
        return builder_.alias(places_.between(event.start_mark, event.end_mark), text_of(event.data.alias.anchor));
      case YAML_SCALAR_EVENT:
        return take_scalar(event);
      case YAML_SEQUENCE_START_EVENT:
        return builder_.begin(Tree::list(places_.at(event.start_mark)), text_of(event.data.sequence_start.tag),
                              text_of(event.data.sequence_start.anchor));
      case YAML_MAPPING_START_EVENT:
        return builder_.begin(Tree::map(places_.at(event.start_mark)), text_of(event.data.mapping_start.tag),
                              text_of(event.data.mapping_start.anchor));
      case YAML_SEQUENCE_END_EVENT:
      case YAML_MAPPING_END_EVENT:
        return builder_.end();
      case YAML_NO_EVENT:
      case YAML_STREAM_START_EVENT:
      case YAML_STREAM_END_EVENT:
      case YAML_DOCUMENT_END_EVENT:
        return;
    }
  }

  void take_scalar(const yaml_event_t& event) {
    const auto& scalar = event.data.scalar;
    SourceSpan span = places_.between(event.start_mark, event.end_mark);
    bool block = scalar.style == YAML_LITERAL_SCALAR_STYLE || scalar.style == YAML_FOLDED_SCALAR_STYLE;
    if (block) span.length = 1;
    builder_.scalar(std::move(span), {reinterpret_cast<const char*>(scalar.value), scalar.length}, text_of(scalar.tag),
                    text_of(scalar.anchor), scalar.style == YAML_PLAIN_SCALAR_STYLE);
  }

  void report_syntax() {
    std::string problem = parser_.problem != nullptr ? parser_.problem : "out of memory";
    size_t offset = places_.offset(parser_.problem_mark);
    std::string message = "YAML syntax: " + problem;
    if (parser_.context != nullptr) message += fmt::format(", {}", parser_.context);
    diagnostics_.error(places_.at(parser_.problem_mark), message,
                       advice(problem, offset < text_.size() ? text_[offset] : '\0'));
    if (parser_.context != nullptr && parser_.context_mark.line != parser_.problem_mark.line) {
      diagnostics_.note(places_.at(parser_.context_mark), "which begins here");
    }
  }

  const std::string& text_;
  Places places_;
  TreeBuilder builder_;
  Diagnostics& diagnostics_;
  yaml_parser_t parser_{};
};

}  // namespace

std::vector<Tree> parse_yaml(const std::shared_ptr<const SourceFile>& file, const std::string& text,
                             ParseBudget& budget, Diagnostics& diagnostics) {
  if (std::optional<size_t> bad = find_bad_byte(text)) {
    diagnostics.error(
        span_of_offset(file, text, *bad),
        fmt::format("the byte 0x{:02x} is not allowed in YAML, which is UTF-8 text without control characters",
                    static_cast<unsigned char>(text[*bad])));
    return {};
  }
  return Run(file, text, budget, diagnostics).documents();
}

}  // namespace berth::compose
