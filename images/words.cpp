#include "images/words.h"

#include <fmt/core.h>

#include "base/text.h"

namespace berth::images {
namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}
bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/// One pass over the text; a word exists once it has a character or a quote, so that "" is a word.
class Lexer {
 public:
  Lexer(std::string_view text, const LookUp& look_up, bool split) : text_(text), look_up_(look_up), split_(split) {}

  Result<std::vector<std::string>> run() {
    while (at_ < text_.size()) {
      char c = text_[at_];
      if (split_ && is_blank(c)) {
        end_word();
        ++at_;
      } else if (c == '\'') {
        BERTH_TRY_OK(single_quoted());
      } else if (c == '"') {
        BERTH_TRY_OK(double_quoted());
      } else {
        BERTH_TRY_OK(plain(c));
      }
    }
    end_word();
    return std::move(words_);
  }

 private:
  void add(char c) {
    word_ += c;
    open_ = true;
  }

  void end_word() {
    if (open_) words_.push_back(std::move(word_));
    word_.clear();
    open_ = false;
  }

  Error unclosed(const char* what) const {
    return make_error(fmt::format("\"{}\": {} is not closed", printable(text_), what));
  }

  Status single_quoted() {
    size_t end = text_.find('\'', at_ + 1);
    if (end == std::string_view::npos) return unclosed("a single quote");
    word_ += text_.substr(at_ + 1, end - at_ - 1);
    open_ = true;
    at_ = end + 1;
    return {};
  }

  Status double_quoted() {
    open_ = true;
    for (++at_; at_ < text_.size() && text_[at_] != '"';) {
      bool escape = text_[at_] == '\\' && at_ + 1 < text_.size() &&
                    std::string_view("\"\\$").find(text_[at_ + 1]) != std::string_view::npos;
      if (escape)
        ++at_, add(text_[at_++]);
      else
        BERTH_TRY_OK(variable_or(text_[at_]));
    }
    if (at_ >= text_.size()) return unclosed("a double quote");
    ++at_;
    return {};
  }

  Status plain(char c) {
    if (c != '\\') return variable_or(c);
    ++at_;
    if (at_ < text_.size()) add(text_[at_++]);
    return {};
  }

  Status variable_or(char c) {
    ++at_;
    if (c != '$' || at_ >= text_.size()) return add(c), Status();
    if (text_[at_] == '{') return braced();
    size_t begin = at_;
    while (at_ < text_.size() && is_name(text_[at_])) ++at_;
    if (begin == at_) return add('$'), Status();
    put(look_up_(std::string(text_.substr(begin, at_ - begin))));
    return {};
  }

  Status braced() {
    size_t end = text_.find('}', at_);
    if (end == std::string_view::npos) return unclosed("a brace");
    std::string_view inside = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    size_t colon = inside.find(':');
    std::string value = look_up_(std::string(inside.substr(0, colon)));
    if (colon == std::string_view::npos) return put(value), Status();
    std::string_view rule = inside.substr(colon);
    if (rule.starts_with(":-")) return put(value.empty() ? std::string(rule.substr(2)) : value), Status();
    if (rule.starts_with(":+")) return put(value.empty() ? "" : std::string(rule.substr(2))), Status();
    return make_error(fmt::format("\"{}\": expected ${{NAME}}, ${{NAME:-word}} or ${{NAME:+word}}", printable(text_)));
  }

  void put(const std::string& value) {
    word_ += value;
    open_ = open_ || !value.empty();
  }

  std::string_view text_;
  const LookUp& look_up_;
  bool split_;
  size_t at_ = 0;
  std::string word_;
  bool open_ = false;
  std::vector<std::string> words_;
};

}  // namespace

Result<std::vector<std::string>> split_words(std::string_view text, const LookUp& look_up) {
  return Lexer(text, look_up, true).run();
}

Result<std::string> expand_word(std::string_view text, const LookUp& look_up) {
  BERTH_TRY(std::vector<std::string> words, Lexer(text, look_up, false).run());
  return words.empty() ? std::string() : words.front();
}

}  // namespace berth::images
