#include "compose/interpolate.h"

#include <fmt/core.h>

#include <algorithm>

namespace berth::compose {
namespace {

constexpr int kMaxDepth = 100;
constexpr size_t kMaxResult = size_t{1} << 20;

bool starts_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool in_name(char c) {
  return starts_name(c) || (c >= '0' && c <= '9');
}

size_t name_length(std::string_view text) {
  if (text.empty() || !starts_name(text.front())) return 0;
  size_t length = 1;
  while (length < text.size() && in_name(text[length])) ++length;
  return length;
}

Error bad_form(std::string_view text, size_t begin) {
  std::string_view form = text.substr(begin, std::min<size_t>(text.find('}', begin), text.size() - 1) - begin + 1);
  return make_error(fmt::format("invalid variable \"{}\"", form), "write $$ for a plain dollar");
}

/// The `}` that closes a brace whose inside begins at `from`: `${` opens another, `$$` opens nothing.
size_t closing_brace(std::string_view text, size_t from) {
  int open = 1;
  for (size_t i = from; i < text.size(); ++i) {
    if (text[i] == '$' && i + 1 < text.size()) {
      if (text[i + 1] == '{') ++open;
      if (text[i + 1] == '{' || text[i + 1] == '$') ++i;
    } else if (text[i] == '}' && --open == 0) {
      return i;
    }
  }
  return std::string_view::npos;
}

/// One text. Each braced variable's word is expanded by a recursive call, and only where it is used.
class Expander {
 public:
  Expander(const Lookup& lookup, std::vector<std::string>& unset) : lookup_(lookup), unset_(unset) {}

  Result<std::string> expand(std::string_view text, int depth) {
    if (depth > kMaxDepth) return make_error("variables nested too deeply");
    std::string result;
    size_t at = 0;
    while (at < text.size()) {
      size_t dollar = std::min(text.find('$', at), text.size());
      result += text.substr(at, dollar - at);
      at = dollar;
      if (at == text.size()) break;
      BERTH_TRY(std::string value, variable(text, at, depth));
      result += value;
      if (result.size() > kMaxResult)
        return make_error("the value is longer than 1 MiB after its variables are put in");
    }
    return result;
  }

 private:
  /// What the `$` at `at` stands for; moves `at` behind it.
  Result<std::string> variable(std::string_view text, size_t& at, int depth) {
    std::string_view rest = text.substr(at + 1);
    if (rest.starts_with('$')) {
      at += 2;
      return std::string("$");
    }
    if (rest.starts_with('{')) return braced(text, at, depth);
    size_t length = name_length(rest);
    at += 1 + length;
    if (length == 0) return std::string("$");  // "$1", "$(cmd)", "^re$": no variable
    return plain(rest.substr(0, length));
  }

  std::string plain(std::string_view name) {
    if (std::optional<std::string> value = lookup_(name)) return *value;
    unset_.emplace_back(name);
    return {};
  }

  Result<std::string> braced(std::string_view text, size_t& at, int depth) {
    size_t begin = at;
    size_t end = closing_brace(text, at + 2);
    if (end == std::string_view::npos) return bad_form(text, begin);
    std::string_view inside = text.substr(at + 2, end - at - 2);
    at = end + 1;
    size_t length = name_length(inside);
    if (length == 0) return bad_form(text, begin);
    std::string_view name = inside.substr(0, length);
    std::string_view tail = inside.substr(length);
    if (tail.empty()) return plain(name);

    bool colon = tail.front() == ':';
    if (colon) tail.remove_prefix(1);
    if (tail.empty()) return bad_form(text, begin);
    char op = tail.front();
    std::string_view word = tail.substr(1);
    std::optional<std::string> value = lookup_(name);
    bool present = value && !(colon && value->empty());
    switch (op) {
      case '-':
        return present ? Result<std::string>(*value) : expand(word, depth + 1);
      case '+':
        return present ? expand(word, depth + 1) : Result<std::string>(std::string());
      case '?':
        return present ? Result<std::string>(*value) : missing(name, word, depth);
      default:
        return bad_form(text, begin);
    }
  }

  Result<std::string> missing(std::string_view name, std::string_view word, int depth) {
    BERTH_TRY(std::string why, expand(word, depth + 1));
    std::string message = fmt::format("required variable {} is missing a value", name);
    return make_error(why.empty() ? message : message + ": " + why);
  }

  const Lookup& lookup_;
  std::vector<std::string>& unset_;
};

void collect_variables(std::string_view text, int depth, std::vector<VariableUse>& found);

/// What is inside of a pair of braces.
void collect_braced(std::string_view inside, int depth, std::vector<VariableUse>& found) {
  size_t length = name_length(inside);
  if (length == 0) return;
  VariableUse use{std::string(inside.substr(0, length)), true};
  std::string_view tail = inside.substr(length);
  if (tail.starts_with(':')) tail.remove_prefix(1);
  std::string_view word = tail.empty() ? tail : tail.substr(1);
  if (tail.starts_with('-')) use.default_value = word;
  if (tail.starts_with('+')) use.presence_value = word;
  use.required = tail.starts_with('?');
  found.push_back(std::move(use));
  collect_variables(word, depth + 1, found);
}

void collect_variables(std::string_view text, int depth, std::vector<VariableUse>& found) {
  if (depth > kMaxDepth) return;
  for (size_t at = text.find('$'); at != std::string_view::npos; at = text.find('$', at)) {
    std::string_view rest = text.substr(at + 1);
    if (rest.starts_with('$')) {
      at += 2;
    } else if (rest.starts_with('{')) {
      size_t end = closing_brace(text, at + 2);
      if (end == std::string_view::npos) return;
      collect_braced(text.substr(at + 2, end - at - 2), depth, found);
      at = end + 1;
    } else {
      size_t length = name_length(rest);
      if (length > 0) found.push_back({std::string(rest.substr(0, length))});
      at += 1 + length;
    }
  }
}

}  // namespace

std::vector<VariableUse> variables_in(std::string_view text) {
  std::vector<VariableUse> found;
  collect_variables(text, 0, found);
  return found;
}

Result<std::string> interpolate(std::string_view text, const Lookup& lookup, std::vector<std::string>& unset) {
  return Expander(lookup, unset).expand(text, 0);
}

}  // namespace berth::compose
