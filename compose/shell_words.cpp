#include "compose/shell_words.h"

namespace berth::compose {
namespace {

/// Reads one command line, character by character.
class Splitter {
 public:
  explicit Splitter(std::string_view text) : text_(text) {}

  Result<ShellWords> run() {
    for (; at_ < text_.size() && result_.cut_at == std::string_view::npos; ++at_) BERTH_TRY_OK(step(text_[at_]));
    if (quote_ != 0) return make_error(std::string("a ") + quote_ + " that is not closed");
    if (escaped_) return make_error("a backslash at the end");
    end_word();
    return std::move(result_);
  }

 private:
  Status step(char c) {
    if (escaped_) {
      add(c);
      escaped_ = false;
    } else if (c == '\\' && quote_ != '\'') {
      escaped_ = true;
    } else if (quote_ != 0) {
      if (c == quote_)
        quote_ = 0;
      else
        add(c);
    } else if (c == '"' || c == '\'') {
      quote_ = c;
      in_word_ = true;
    } else {
      return plain(c);
    }
    return {};
  }

  Status plain(char c) {
    switch (c) {
      case ' ':
      case '\t':
      case '\r':
      case '\n':
        end_word();
        return {};
      case ';':
      case '&':
      case '|':
      case '<':
      case '>':
        end_word_before(c);
        return {};
      case '(':
      case ')':
        return make_error(std::string("an unquoted ") + c, "quote it, or write the command as a list");
      default:
        add(c);
        return {};
    }
  }

  /// An operator ends the command. A digit right before a `>` belongs to the operator ("2>file").
  void end_word_before(char c) {
    if (c == '>' && word_.size() == 1 && word_[0] >= '0' && word_[0] <= '9') {
      word_.clear();
      in_word_ = false;
      --at_;
    }
    result_.cut_at = at_;
    end_word();
  }

  void add(char c) {
    word_ += c;
    in_word_ = true;
  }

  void end_word() {
    if (in_word_) result_.words.push_back(word_);
    word_.clear();
    in_word_ = false;
  }

  std::string_view text_;
  size_t at_ = 0;
  char quote_ = 0;
  bool escaped_ = false;
  bool in_word_ = false;  // "" is a word of its own
  std::string word_;
  ShellWords result_;
};

}  // namespace

Result<ShellWords> split_shell_words(std::string_view text) {
  return Splitter(text).run();
}

}  // namespace berth::compose
