#include "dockerfile/reading.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/text.h"
#include "dockerfile/words.h"

namespace berth::dockerfile {
namespace {

constexpr std::string_view kSpaces = " \t\v\f\r";

std::string to_upper(std::string text) {
  for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return text;
}

}  // namespace

Reading::Reading(const Line& line, char escape, Diagnostics& diagnostics)
    : line_(line), escape_(escape), diagnostics_(diagnostics) {
  const std::string& text = line.text.text();
  size_t begin = std::min(text.find_first_not_of(kSpaces), text.size());
  size_t end = std::min(text.find_first_of(kSpaces, begin), text.size());
  keyword_ = to_lower(std::string_view(text).substr(begin, end - begin));
  keyword_span_ = line.text.span(begin, end - begin);
  arguments_ = end;
  read_flags();
}

void Reading::read_flags() {
  const std::string& text = line_.text.text();
  for (const Text& word : split_words(line_.text, arguments_, escape_)) {
    if (!word.value.starts_with("--")) return;
    size_t at = text.find_first_not_of(kSpaces, arguments_);
    arguments_ = at + word.value.size();
    if (word.value == "--") return;
    size_t equals = word.value.find('=');
    Flag flag;
    flag.name = word.value.substr(2, equals == std::string::npos ? equals : equals - 2);
    flag.has_value = equals != std::string::npos;
    flag.span = word.span;
    if (flag.has_value) flag.value = {unquoted(word.value.substr(equals + 1), escape_), word.span};
    flags_.push_back(std::move(flag));
  }
}

Text Reading::rest() const {
  const std::string& text = line_.text.text();
  size_t begin = text.find_first_not_of(kSpaces, arguments_);
  if (begin == std::string::npos) return {"", line_.text.span(arguments_, 0)};
  size_t end = text.find_last_not_of(kSpaces) + 1;
  return line_.text.piece(begin, end - begin);
}

std::vector<Text> Reading::words() const {
  return split_words(line_.text, arguments_, escape_);
}

std::vector<Text> Reading::plain_words() const {
  return split_plainly(line_.text, arguments_);
}

std::vector<Text> Reading::flags(std::string_view name) {
  known_flags_.emplace_back(name);
  std::vector<Text> values;
  for (const Flag& flag : flags_) {
    if (flag.name != name) continue;
    if (!flag.has_value || flag.value.empty())
      error(flag.span, fmt::format("--{} needs a value", name), fmt::format("write --{}=VALUE", name));
    else
      values.push_back(flag.value);
  }
  return values;
}

std::optional<Text> Reading::flag(std::string_view name) {
  std::vector<Text> values = flags(name);
  if (values.size() > 1) error(values[1].span, fmt::format("--{} is given twice", name));
  if (values.empty()) return std::nullopt;
  return values.front();
}

std::optional<bool> Reading::switch_flag(std::string_view name) {
  known_flags_.emplace_back(name);
  std::optional<bool> on;
  for (const Flag& flag : flags_) {
    if (flag.name != name) continue;
    std::string value = to_lower(flag.value.value);
    on = !flag.has_value || value == "true" || value == "1";
    if (flag.has_value && !*on && value != "false" && value != "0")
      error(flag.span, fmt::format("--{} is true or false, not \"{}\"", name, printable(flag.value.value)));
  }
  return on;
}

void Reading::finish_flags() {
  for (const Flag& flag : flags_) {
    if (std::find(known_flags_.begin(), known_flags_.end(), flag.name) != known_flags_.end()) continue;
    std::optional<std::string> near = nearest(flag.name, known_flags_);
    error(flag.span, fmt::format("unknown flag --{}", printable(flag.name)),
          near ? fmt::format("did you mean --{}?", *near) : std::string());
  }
}

void Reading::error(const SourceSpan& span, const std::string& message, std::string hint) {
  diagnostics_.error(span, fmt::format("{}: {}", to_upper(keyword_), message), std::move(hint));
}

void Reading::warning(const SourceSpan& span, const std::string& message, std::string hint) {
  diagnostics_.warning(span, fmt::format("{}: {}", to_upper(keyword_), message), std::move(hint));
}

Command read_command(Reading& reading) {
  Command command;
  Text rest = reading.rest();
  if (auto words = exec_form(rest.value)) {
    command.exec_form = true;
    command.words = std::move(*words);
  } else {
    if (rest.value.starts_with('[') && rest.value.ends_with(']')) {
      reading.warning(rest.span, "looks like the exec form but is no JSON, so a shell gets it",
                      "the exec form is a list of strings in double quotes");
    }
    command.words = {rest.value};
  }
  command.heredocs = reading.line().heredocs;
  return command;
}

}  // namespace berth::dockerfile
