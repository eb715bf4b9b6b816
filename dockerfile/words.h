#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dockerfile/text.h"

namespace berth::dockerfile {

/// Words of the text from `begin` on, split at blanks; quotes and escapes keep blanks together and stay as written.
[[nodiscard]] std::vector<Text> split_words(const Joined& text, size_t begin, char escape);

/// Words split at blanks and nothing else: for instructions that know no quotes (EXPOSE, FROM, VOLUME).
[[nodiscard]] std::vector<Text> split_plainly(const Joined& text, size_t begin);

/// A word without its quotes and escapes, variables left as they are.
[[nodiscard]] std::string unquoted(std::string_view word, char escape);

struct HeredocWord {
  Text delimiter;  // without quotes
  bool expand = true;
  bool strip_tabs = false;  // <<-
  SourceSpan span;
};

/// The words of an instruction that begin a heredoc: `<<NAME`, `<<-NAME`, `3<<NAME`, the name perhaps in quotes.
[[nodiscard]] std::vector<HeredocWord> heredoc_words(const Joined& text, char escape);
/// Whether one word is such.
[[nodiscard]] bool is_heredoc_word(std::string_view word);

/// The strings of `["a", "b"]`; nothing if the text is no JSON array of strings (then it is the shell form).
[[nodiscard]] std::optional<std::vector<std::string>> exec_form(std::string_view text);

}  // namespace berth::dockerfile
