#include "compose/dotenv.h"

#include <fmt/core.h>

#include <algorithm>
#include <unordered_map>

#include "base/text.h"

namespace berth::compose {
namespace {

bool key_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
         c == '-' || c == '[' || c == ']';
}
bool blank(char c) {
  return c == ' ' || c == '\t';
}

/// The variables of one file, found by name.
class Assigned {
 public:
  void assign(const std::string& name, std::string value, int line) {
    auto [place, is_new] = places_.emplace(name, variables_.size());
    if (is_new) variables_.push_back({name, {}, 0});
    variables_[place->second].value = std::move(value);
    variables_[place->second].line = line;
  }
  [[nodiscard]] std::optional<std::string> find(std::string_view name) const {
    auto place = places_.find(std::string(name));
    return place == places_.end() ? std::nullopt : std::optional(variables_[place->second].value);
  }
  Variables take() { return std::move(variables_); }

 private:
  Variables variables_;
  std::unordered_map<std::string, size_t> places_;
};

/// A file of variables, statement by statement.
class Parser {
 public:
  Parser(std::string_view text, const Lookup& lookup, std::vector<std::string>& unset)
      : rest_(text.starts_with("\xEF\xBB\xBF") ? text.substr(3) : text), lookup_(lookup), unset_(unset) {}

  [[nodiscard]] int line() const { return line_; }

  Result<Variables> run() {
    for (skip_empty(); !rest_.empty(); skip_empty()) BERTH_TRY_OK(statement());
    return variables_.take();
  }

 private:
  void take(size_t count) {
    line_ += static_cast<int>(std::count(rest_.begin(), rest_.begin() + static_cast<long>(count), '\n'));
    rest_.remove_prefix(count);
  }

  void skip_empty() {
    while (!rest_.empty()) {
      char c = rest_.front();
      if (c == '#')
        take(std::min(rest_.find('\n'), rest_.size()));
      else if (blank(c) || c == '\n' || c == '\r')
        take(1);
      else
        return;
    }
  }

  void skip_blanks() { take(std::min(rest_.find_first_not_of(" \t"), rest_.size())); }

  Status statement() {
    if (rest_.starts_with("export") && rest_.size() > 6 && blank(rest_[6])) {
      take(6);
      skip_blanks();
    }
    size_t length = 0;
    while (length < rest_.size() && key_char(rest_[length])) ++length;
    if (length == 0)
      return make_error(fmt::format("unexpected character \"{}\" in a variable name", rest_.substr(0, 1)));
    std::string key(rest_.substr(0, length));
    begin_ = line_;
    take(length);
    skip_blanks();
    if (rest_.starts_with('\r')) take(1);
    if (rest_.empty() || rest_.front() == '\n') return inherit(key);
    if (rest_.front() != '=' && rest_.front() != ':') {
      return make_error(
          fmt::format("\"{}\" is followed by \"{}\", a name holds no such character", key, rest_.substr(0, 1)));
    }
    take(1);
    skip_blanks();
    BERTH_TRY(std::string value, read_value());
    variables_.assign(key, std::move(value), begin_);
    return {};
  }

  /// A bare name: what the outside has, or nothing at all.
  Status inherit(const std::string& key) {
    if (std::optional<std::string> value = lookup_(key)) variables_.assign(key, *value, begin_);
    return {};
  }

  Result<std::string> read_value() {
    if (rest_.empty() || (rest_.front() != '"' && rest_.front() != '\'')) return unquoted();
    size_t end = closing_quote(rest_.front());
    if (end == std::string_view::npos) return make_error(fmt::format("the quote {} is not closed", rest_.front()));
    bool single = rest_.front() == '\'';
    std::string_view inside = rest_.substr(1, end - 1);
    Result<std::string> value = single ? Result<std::string>(unescape_single(inside)) : expand(unescape(inside));
    take(end + 1);
    return value;
  }

  [[nodiscard]] size_t closing_quote(char quote) const {
    for (size_t i = 1; i < rest_.size(); ++i) {
      if (rest_[i] == '\\')
        ++i;
      else if (rest_[i] == quote)
        return i;
    }
    return std::string_view::npos;
  }

  Result<std::string> unquoted() {
    size_t end = std::min(rest_.find('\n'), rest_.size());
    std::string_view value = rest_.substr(0, end);
    // A comment needs something before its blank: "K= # x" is the value "# x", as in Docker Compose.
    for (size_t i = 1; i < value.size(); ++i) {
      if (value[i] != '#' || !blank(value[i - 1])) continue;
      value = value.substr(0, i);
      break;
    }
    Result<std::string> result = expand(std::string(trim(value)));
    take(end);
    return result;
  }

  static std::string unescape_single(std::string_view text) {
    std::string result;
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '\\' && i + 1 < text.size() && text[i + 1] == '\'') ++i;
      result += text[i];
    }
    return result;
  }

  /// Escapes of a double-quoted value; "\$" becomes "$$", which expand() makes a plain dollar.
  static std::string unescape(std::string_view text) {
    constexpr std::string_view kFrom = "abfnrtv";
    constexpr std::string_view kTo = "\a\b\f\n\r\t\v";
    std::string result;
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '\\' || i + 1 == text.size()) {
        result += text[i];
        continue;
      }
      char c = text[++i];
      if (size_t known = kFrom.find(c); known != std::string_view::npos)
        result += kTo[known];
      else if (c == '$')
        result += "$$";
      else if (c == '\\' || c == '"')
        result += c;
      else if (c == '0')
        i = octal(text, i, result);
      else
        (result += '\\') += c;
    }
    return result;
  }

  /// "\0nnn": the character with the number nnn. Without three octal digits it is only the zero that goes; so it is in
  /// Docker Compose.
  /// Returns the last index used.
  static size_t octal(std::string_view text, size_t at, std::string& result) {
    unsigned value = 0;
    size_t used = 0;
    while (used < 3 && at + used + 1 < text.size() && text[at + used + 1] >= '0' && text[at + used + 1] <= '7') {
      value = value * 8 + static_cast<unsigned>(text[at + ++used] - '0');
    }
    if (used < 3 || value > 0xFF) {
      result += '\\';
      return at;
    }
    if (value >= 0x80) result += static_cast<char>(0xC0U | (value >> 6U));  // two bytes of UTF-8
    result += static_cast<char>(value >= 0x80 ? 0x80U | (value & 0x3FU) : value);
    return at + used;
  }

  Result<std::string> expand(const std::string& text) {
    Lookup lookup = [this](std::string_view name) -> std::optional<std::string> {
      if (std::optional<std::string> value = lookup_(name)) return value;
      return variables_.find(name);
    };
    return interpolate(text, lookup, unset_);
  }

  std::string_view rest_;
  const Lookup& lookup_;
  std::vector<std::string>& unset_;
  Assigned variables_;
  int line_ = 1;
  int begin_ = 1;  // of the statement
};

}  // namespace

Result<Variables> parse_dotenv(std::string_view text, const Lookup& lookup, std::vector<std::string>& unset,
                               DotenvError* error) {
  Parser parser(text, lookup, unset);
  Result<Variables> variables = parser.run();
  if (!variables.ok() && error != nullptr) *error = {parser.line(), variables.error().message()};
  return variables;
}

Result<Variables> parse_raw_env(std::string_view text, const Lookup& lookup, DotenvError* error) {
  Assigned variables;
  int number = 0;
  for (std::string line : split(text, '\n')) {
    ++number;
    if (line.ends_with('\r')) line.pop_back();
    if (trim(line).empty() || trim(line).front() == '#') continue;
    size_t equals = line.find('=');
    std::string key(trim(std::string_view(line).substr(0, equals)));
    if (key.empty() || key.find(' ') != std::string::npos) {
      DotenvError wrong{number, fmt::format("\"{}\" is not a variable name", key)};
      if (error != nullptr) *error = wrong;
      return make_error(wrong.message);
    }
    if (equals != std::string::npos)
      variables.assign(key, line.substr(equals + 1), number);
    else if (std::optional<std::string> value = lookup(key))
      variables.assign(key, *value, number);
  }
  return variables.take();
}

}  // namespace berth::compose
