#include "compose/scalar.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "compose/timestamp.h"

namespace berth::compose {
namespace {

bool one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  if (text.size() > 5) return false;  // no word of YAML is longer
  return std::find(words.begin(), words.end(), text) != words.end();
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Go's ParseInt, else ParseUint, with base 0: 0x, 0o, 0b, and a leading zero for octal; "_" is skipped before.
std::optional<std::string> parse_integer(std::string_view text) {
  bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  int base = 10;
  if (text.size() > 1 && text[0] == '0') {
    char mark = text[1];
    bool prefixed = true;
    if (mark == 'x' || mark == 'X')
      base = 16;
    else if (mark == 'o' || mark == 'O')
      base = 8;
    else if (mark == 'b' || mark == 'B')
      base = 2;
    else
      prefixed = false;
    if (!prefixed) base = 8;
    text.remove_prefix(prefixed ? 2 : 1);
  }
  uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  if (!negative) return std::to_string(value);
  if (value > uint64_t{1} << 63) return std::nullopt;
  return value == 0 ? "0" : "-" + std::to_string(value);
}

/// [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?
std::optional<double> parse_real(std::string_view text) {
  std::string_view rest = text;
  if (rest.starts_with('-') || rest.starts_with('+')) rest.remove_prefix(1);
  auto digits = [&rest] {
    size_t count = 0;
    while (count < rest.size() && is_digit(rest[count])) ++count;
    rest.remove_prefix(count);
    return count;
  };
  size_t whole = digits();
  size_t fraction = 0;
  if (rest.starts_with('.')) {
    rest.remove_prefix(1);
    fraction = digits();
  }
  if (whole + fraction == 0) return std::nullopt;
  if (rest.starts_with('e') || rest.starts_with('E')) {
    rest.remove_prefix(1);
    if (rest.starts_with('-') || rest.starts_with('+')) rest.remove_prefix(1);
    if (digits() == 0) return std::nullopt;
  }
  if (!rest.empty()) return std::nullopt;
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{}) return std::nullopt;
  return value;
}

bool may_be_number(std::string_view text) {
  char first = text.front();
  return is_digit(first) || first == '-' || first == '+' || first == '.';
}

bool resolve_number(Tree& tree, std::string_view text) {
  std::string plain(text);
  std::erase(plain, '_');
  if (std::optional<std::string> integer = parse_integer(plain)) {
    tree.kind = Tree::Kind::integer;
    tree.text = std::move(*integer);
  } else if (std::optional<double> real = parse_real(plain)) {
    tree.kind = Tree::Kind::real;
    tree.text = go_float_text(*real);
  } else if (one_of(text, {".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"})) {
    tree.kind = Tree::Kind::real;
    tree.text = "+Inf";
  } else if (one_of(text, {"-.inf", "-.Inf", "-.INF"})) {
    tree.kind = Tree::Kind::real;
    tree.text = "-Inf";
  } else if (one_of(text, {".nan", ".NaN", ".NAN"})) {
    tree.kind = Tree::Kind::real;
    tree.text = "NaN";
  } else {
    return false;
  }
  return true;
}

}  // namespace

void resolve_plain(Tree& tree, std::string_view text) {
  tree.kind = Tree::Kind::string;
  if (text.empty() || one_of(text, {"~", "null", "Null", "NULL"})) {
    tree.kind = Tree::Kind::null;
    tree.text.clear();
  } else if (one_of(text, {"true", "True", "TRUE", "false", "False", "FALSE"})) {
    tree.kind = Tree::Kind::boolean;
    tree.text = text[0] == 't' || text[0] == 'T' ? "true" : "false";
  } else if (std::optional<std::string> time = go_time_text(text)) {
    tree.text = std::move(*time);
  } else if (!may_be_number(text) || !resolve_number(tree, text)) {
    tree.text = text;
  }
}

std::string go_float_text(double value) {
  char buffer[512];
  auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific);
  std::string_view text(buffer, static_cast<size_t>(end - buffer));
  int exponent = 0;
  if (size_t mark = text.find('e'); mark != std::string_view::npos) {
    std::string_view digits = text.substr(mark + 1);
    if (digits.starts_with('+')) digits.remove_prefix(1);
    std::from_chars(digits.data(), digits.data() + digits.size(), exponent);
  }
  constexpr int kFixedDigits = 6;  // with as many digits before the point, fmt's %v takes an exponent
  if (value != 0 && (exponent < -4 || exponent >= kFixedDigits)) return std::string(text);
  auto [fixed_end, fixed_error] = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed);
  return {buffer, fixed_end};
}

}  // namespace berth::compose
