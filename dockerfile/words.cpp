#include "dockerfile/words.h"

#include <nlohmann/json.hpp>

#include "base/text.h"

namespace berth::dockerfile {
namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\v' || c == '\f' || c == '\r';
}

struct HeredocMark {
  std::string_view delimiter;  // with quotes
  bool strip_tabs = false;
};

/// `(\d*)<<(-?)([^<]+)`
std::optional<HeredocMark> heredoc_mark(std::string_view word) {
  size_t digits = std::min(word.find_first_not_of("0123456789"), word.size());
  word.remove_prefix(digits);
  if (!word.starts_with("<<")) return std::nullopt;
  word.remove_prefix(2);
  HeredocMark mark;
  mark.strip_tabs = word.starts_with('-');
  if (mark.strip_tabs) word.remove_prefix(1);
  if (word.empty() || word.find('<') != std::string_view::npos) return std::nullopt;
  mark.delimiter = word;
  return mark;
}

}  // namespace

std::vector<Text> split_words(const Joined& joined, size_t begin, char escape) {
  const std::string& text = joined.text();
  std::vector<Text> words;
  size_t at = begin;
  while (at < text.size()) {
    while (at < text.size() && is_blank(text[at])) ++at;
    if (at >= text.size()) break;
    size_t start = at;
    char quote = '\0';
    for (; at < text.size() && (quote != '\0' || !is_blank(text[at])); ++at) {
      char c = text[at];
      if (c == escape && quote != '\'' && at + 1 < text.size())
        ++at;
      else if (quote == '\0' && (c == '\'' || c == '"'))
        quote = c;
      else if (c == quote)
        quote = '\0';
    }
    words.push_back(joined.piece(start, at - start));
  }
  return words;
}

std::vector<Text> split_plainly(const Joined& joined, size_t begin) {
  const std::string& text = joined.text();
  std::vector<Text> words;
  for (size_t at = begin; at < text.size();) {
    if (is_blank(text[at])) {
      ++at;
      continue;
    }
    size_t start = at;
    while (at < text.size() && !is_blank(text[at])) ++at;
    words.push_back(joined.piece(start, at - start));
  }
  return words;
}

std::string unquoted(std::string_view word, char escape) {
  std::string text;
  char quote = '\0';
  for (size_t i = 0; i < word.size(); ++i) {
    char c = word[i];
    if (quote == '\0' && (c == '\'' || c == '"')) {
      quote = c;
    } else if (c == quote && quote != '\0') {
      quote = '\0';
    } else if (c == escape && quote != '\'' && i + 1 < word.size()) {
      char next = word[++i];
      bool kept = quote == '"' && next != '"' && next != '$' && next != escape;
      if (kept) text += c;
      text += next;
    } else {
      text += c;
    }
  }
  return text;
}

std::vector<HeredocWord> heredoc_words(const Joined& text, char escape) {
  std::vector<HeredocWord> found;
  for (const Text& word : split_words(text, 0, escape)) {
    std::optional<HeredocMark> mark = heredoc_mark(word.value);
    if (!mark) continue;
    std::string delimiter = unquoted(mark->delimiter, escape);
    if (delimiter.empty()) continue;
    HeredocWord heredoc;
    heredoc.expand = delimiter == mark->delimiter;
    heredoc.delimiter = {std::move(delimiter), word.span};
    heredoc.strip_tabs = mark->strip_tabs;
    heredoc.span = word.span;
    found.push_back(std::move(heredoc));
  }
  return found;
}

bool is_heredoc_word(std::string_view word) {
  return heredoc_mark(word).has_value();
}

std::optional<std::vector<std::string>> exec_form(std::string_view text) {
  text = trim(text);
  if (!text.starts_with('[')) return std::nullopt;
  nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_array()) return std::nullopt;
  std::vector<std::string> words;
  for (const nlohmann::json& item : json) {
    if (!item.is_string()) return std::nullopt;
    words.push_back(item.get<std::string>());
  }
  return words;
}

}  // namespace berth::dockerfile
