#include "dockerfile/expand.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/text.h"
#include "dockerfile/glob.h"

namespace berth::dockerfile {
namespace {

constexpr size_t kMaxDepth = 100;           // of ${a:-${b:-…}}
constexpr size_t kMaxLength = 1024 * 1024;  // of what comes out

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Ends the reading of a text after a mistake in it.
struct Stop {};

class Expander {
 public:
  Expander(SourceSpan place, std::string_view text, const Expansion& how)
      : place_(std::move(place)), rest_(text), how_(how) {}

  std::vector<std::string> words() {
    try {
      sequence('\0', 0);
    } catch (const Stop&) {
    }
    if (open_) words_.push_back(std::move(word_));
    return std::move(words_);
  }

  std::string whole() {
    splitting_ = false;
    std::vector<std::string> all = words();
    return all.empty() ? std::string() : std::move(all.front());
  }

 private:
  [[noreturn]] void stop(std::string message) {
    how_.diagnostics.error(place_, std::move(message));
    throw Stop{};
  }

  [[nodiscard]] bool at_end() const { return rest_.empty(); }
  char take() {
    char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }

  void put(char c) {
    word_ += c;
    open_ = true;
    if (word_.size() > kMaxLength) stop("the value is longer than 1 MiB");
  }
  void put(std::string_view text) {
    for (char c : text) put(c);
  }
  /// What came out of a variable without quotes: blanks in it end words.
  void put_value(std::string_view value) {
    for (char c : value) {
      if (splitting_ && (c == ' ' || c == '\t' || c == '\n'))
        end_word();
      else
        put(c);
    }
  }
  void end_word() {
    if (open_) words_.push_back(std::move(word_));
    word_.clear();
    open_ = false;
  }

  void sequence(char until, size_t depth) {
    while (!at_end() && rest_.front() != until) {
      char c = take();
      if (c == '\'' && !how_.keep_quotes) {
        single_quotes();
      } else if (c == '"' && !how_.keep_quotes) {
        double_quotes(depth);
      } else if (c == '$') {
        put_value(variable(depth));
      } else if (c == how_.escape) {
        if (at_end()) return;
        if (keep_escapes_) put('\\');
        put(take());
      } else if (splitting_ && (c == ' ' || c == '\t')) {
        end_word();
      } else {
        put(c);
      }
    }
  }

  void single_quotes() {
    open_ = true;
    size_t end = rest_.find('\'');
    if (end == std::string_view::npos) stop("a single quote has no end");
    put(rest_.substr(0, end));
    rest_.remove_prefix(end + 1);
  }

  void double_quotes(size_t depth) {
    open_ = true;
    for (;;) {
      if (at_end()) stop("a double quote has no end");
      char c = take();
      if (c == '"') return;
      if (c == '$') {
        put(variable(depth));
      } else if (c == how_.escape) {
        if (at_end()) stop("a double quote has no end");
        char next = take();
        if (next != '"' && next != '$' && next != how_.escape) put(c);
        put(next);
      } else {
        put(c);
      }
    }
  }

  /// What stands behind `$`.
  std::string variable(size_t depth) {
    if (at_end()) return "$";
    if (rest_.front() == '{') {
      take();
      return braces(depth);
    }
    std::string name = take_name();
    if (name.empty()) return "$";
    return how_.lookup(name).value_or("");
  }

  std::string take_name() {
    size_t length = 0;
    if (is_letter(rest_.front())) {
      while (length < rest_.size() && (is_letter(rest_[length]) || is_digit(rest_[length]))) ++length;
    } else if (is_digit(rest_.front())) {
      while (length < rest_.size() && is_digit(rest_[length])) ++length;
    } else if (std::string_view("@*#?-$!").find(rest_.front()) != std::string_view::npos) {
      length = 1;
    }
    std::string name(rest_.substr(0, length));
    rest_.remove_prefix(length);
    return name;
  }

  std::string braces(size_t depth) {
    if (depth > kMaxDepth) stop("variables are nested too deeply");
    if (at_end() || rest_.front() == '}' || rest_.front() == ':') stop("\"${\" without a name");
    std::string name = take_name();
    if (name.empty())
      stop(fmt::format("\"${{{}\": a name has letters, digits and \"_\"", printable(rest_.substr(0, 8))));
    if (at_end()) stop(fmt::format("\"${{{}\" has no \"}}\"", name));
    char modifier = take();
    if (modifier == '}') return how_.lookup(name).value_or("");
    bool colon = modifier == ':';
    if (colon) {
      if (at_end()) stop(fmt::format("\"${{{}:\" has no \"}}\"", name));
      modifier = take();
    }
    std::optional<std::string> value = how_.lookup(name);
    if (modifier == '-' || modifier == '+' || modifier == '?')
      return with_word(name, modifier, colon, value, operand('}', depth));
    if (colon)
      stop(fmt::format("\"${{{}:{}\": expected one of - + ? behind the colon", name, printable({&modifier, 1})));
    if (modifier == '#' || modifier == '%') return trimmed(modifier, value.value_or(""), depth);
    if (modifier == '/') return replaced(value.value_or(""), depth);
    stop(fmt::format("\"${{{}{}\": expected one of }} :- - :+ + :? ? # ## % %% / //", name, printable({&modifier, 1})));
  }

  std::string with_word(const std::string& name, char modifier, bool colon, const std::optional<std::string>& value,
                        const std::string& word) {
    bool usable = value && !(colon && value->empty());
    if (modifier == '-') return usable ? *value : word;
    if (modifier == '+') return usable ? word : "";
    if (usable) return *value;
    stop(word.empty() ? fmt::format("the variable \"{}\" must be set", name) : fmt::format("{}: {}", name, word));
  }

  std::string trimmed(char modifier, std::string value, size_t depth) {
    bool longest = !at_end() && rest_.front() == modifier;
    if (longest) take();
    std::string pattern = operand('}', depth, true);
    auto length = modifier == '#' ? match_prefix(pattern, value, longest) : match_suffix(pattern, value, longest);
    if (!length) return value;
    return modifier == '#' ? value.substr(*length) : value.substr(0, value.size() - *length);
  }

  std::string replaced(const std::string& value, size_t depth) {
    bool all = !at_end() && rest_.front() == '/';
    if (all) take();
    std::string pattern = operand('/', depth, true);
    return replace_matches(pattern, value, operand('}', depth), all);
  }

  /// Everything up to the character that ends it, expanded; a pattern keeps its escapes.
  std::string operand(char until, size_t depth, bool is_pattern = false) {
    Expander inner(place_, rest_, how_);
    inner.splitting_ = false;
    inner.keep_escapes_ = is_pattern;
    inner.sequence(until, depth + 1);
    if (inner.at_end()) stop(fmt::format("\"${{\" has no \"{}\"", until));
    rest_.remove_prefix(rest_.size() - inner.rest_.size() + 1);
    return std::move(inner.word_);
  }

  SourceSpan place_;
  std::string_view rest_;
  const Expansion& how_;
  std::string word_;
  std::vector<std::string> words_;
  bool open_ = false, splitting_ = true;
  bool keep_escapes_ = false;  // for a pattern, which knows them too
};

}  // namespace

std::string expand(const Text& text, const Expansion& how) {
  return Expander(text.span, text.value, how).whole();
}

std::vector<std::string> expand_words(const Text& text, const Expansion& how) {
  return Expander(text.span, text.value, how).words();
}

void check_expansion(const Text& text, char escape, Diagnostics& diagnostics) {
  // "x" for every variable, so that no `?` complains of one that may be set when it counts.
  static_cast<void>(
      expand(text, {[](std::string_view) { return std::optional<std::string>("x"); }, escape, diagnostics}));
}

std::vector<std::string> variables_in(const Text& text, char escape) {
  std::vector<std::string> names;
  Diagnostics ignored;
  auto note = [&](std::string_view name) -> std::optional<std::string> {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.emplace_back(name);
    return "x";
  };
  static_cast<void>(expand(text, {note, escape, ignored}));
  return names;
}

}  // namespace berth::dockerfile
