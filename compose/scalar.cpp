#include "compose/scalar.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

namespace berth::compose {
namespace {

bool one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Go's ParseInt with base 0: 0x, 0o, 0b, and a leading zero for octal; "_" is skipped before.
std::optional<int64_t> parse_integer(std::string_view text) {
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
  uint64_t limit = negative ? uint64_t{1} << 63 : (uint64_t{1} << 63) - 1;
  if (value > limit) return std::nullopt;
  return static_cast<int64_t>(negative ? 0 - value : value);
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

/// "2024-01-31"
bool is_date(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
  for (size_t i : {0, 1, 2, 3, 5, 6, 8, 9}) {
    if (!is_digit(text[i])) return false;
  }
  int month = (text[5] - '0') * 10 + text[6] - '0';
  int day = (text[8] - '0') * 10 + text[9] - '0';
  return month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

bool may_be_number(std::string_view text) {
  char first = text.front();
  return is_digit(first) || first == '-' || first == '+' || first == '.';
}

bool resolve_number(Tree& tree, std::string_view text) {
  std::string plain(text);
  std::erase(plain, '_');
  if (std::optional<int64_t> integer = parse_integer(plain)) {
    tree.kind = Tree::Kind::integer;
    tree.text = std::to_string(*integer);
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
  } else if (is_date(text)) {
    tree.text = std::string(text) + " 00:00:00 +0000 UTC";
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
  constexpr int kFixedDigits = 21;  // fmt's %v goes to an exponent from here on
  if (value != 0 && (exponent < -4 || exponent >= kFixedDigits)) return std::string(text);
  auto [fixed_end, fixed_error] = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed);
  return {buffer, fixed_end};
}

}  // namespace berth::compose
