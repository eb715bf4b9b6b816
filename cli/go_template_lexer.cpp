#include "cli/go_template_lexer.h"

#include <fmt/core.h>

#include "base/text.h"

namespace berth::cli {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

/// What stands between quotes; `at` is the opening one and ends up behind the closing one.
Result<std::string> lex_string(std::string_view text, size_t& at) {
  char quote = text[at++];
  std::string word(1, '"');
  for (; at < text.size() && text[at] != quote; ++at) {
    bool escape = quote == '"' && text[at] == '\\' && at + 1 < text.size();
    if (!escape) {
      word += text[at];
      continue;
    }
    char c = text[++at];
    word += c == 'n' ? '\n' : c == 't' ? '\t' : c;
  }
  if (at >= text.size()) return make_error(fmt::format("format: a string is not closed in \"{}\"", printable(text)));
  ++at;
  return word;
}

Result<std::vector<std::string>> lex_words(std::string_view text) {
  std::vector<std::string> words;
  for (size_t at = 0; at < text.size();) {
    char c = text[at];
    if (kBlanks.find(c) != std::string_view::npos) {
      ++at;
    } else if (c == '"' || c == '`') {
      BERTH_TRY(std::string word, lex_string(text, at));
      words.push_back(std::move(word));
    } else if (c == '(' || c == ')' || c == '|') {
      words.emplace_back(1, c);
      ++at;
    } else {
      size_t end = std::min(text.find_first_of(" \t\r\n\"`()|", at), text.size());
      words.emplace_back(text.substr(at, end - at));
      at = end;
    }
  }
  return words;
}

/// Text of a command line, where a tab or a line break is easier to write as \t or \n.
std::string with_escapes(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    bool escape = text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == 't' || text[i + 1] == 'n');
    out += !escape ? text[i] : text[++i] == 't' ? '\t' : '\n';
  }
  return out;
}

void trim_end(std::string& text) {
  text.resize(text.find_last_not_of(kBlanks) + 1);
}

}  // namespace

Result<std::vector<TemplatePiece>> lex_template(std::string_view text) {
  std::vector<TemplatePiece> pieces;
  bool trim_next = false;
  while (!text.empty()) {
    size_t open = text.find("{{");
    std::string plain = with_escapes(text.substr(0, open));
    if (trim_next) plain.erase(0, std::min(plain.find_first_not_of(kBlanks), plain.size()));
    if (open == std::string_view::npos) {
      if (!plain.empty()) pieces.push_back({false, std::move(plain), {}});
      break;
    }
    size_t close = text.find("}}", open);
    if (close == std::string_view::npos)
      return make_error(fmt::format("format: \"{}\" is not closed, expected \"}}}}\"", printable(text.substr(open))));
    std::string_view inside = text.substr(open + 2, close - open - 2);
    text.remove_prefix(close + 2);
    if (inside.starts_with("- ")) {
      trim_end(plain);
      inside.remove_prefix(1);
    }
    trim_next = inside.ends_with(" -");
    if (trim_next) inside.remove_suffix(1);
    if (!plain.empty()) pieces.push_back({false, std::move(plain), {}});
    BERTH_TRY(std::vector<std::string> words, lex_words(inside));
    if (words.empty()) return make_error("format: {{}} is empty");
    pieces.push_back({true, {}, std::move(words)});
  }
  return pieces;
}

}  // namespace berth::cli
