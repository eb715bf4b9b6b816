#include <fmt/core.h>

#include "base/text.h"
#include "builder/copy.h"

namespace berth::builder {
namespace {

struct Clause {
  mode_t who = 0;  // 0700, 0070, 0007 together
  char operation = '=';
  mode_t bits = 0;
  bool execute_if_any = false;  // X
};

mode_t apply(const Clause& clause, mode_t mode) {
  mode_t bits = clause.bits;
  if (clause.execute_if_any && (mode & 0111) != 0) bits |= 0111;
  bits = (bits & clause.who & 0777) | (bits & 07000);
  if (clause.operation == '+') return mode | bits;
  if (clause.operation == '-') return mode & ~bits;
  return (mode & ~clause.who) | bits;
}

std::optional<Clause> parse_clause(std::string_view text) {
  Clause clause;
  size_t at = 0;
  for (; at < text.size() && std::string_view("ugoa").find(text[at]) != std::string_view::npos; ++at)
    clause.who |= text[at] == 'u' ? 0700 : text[at] == 'g' ? 0070 : text[at] == 'o' ? 0007 : 0777;
  if (clause.who == 0) clause.who = 0777;
  if (at >= text.size() || std::string_view("+-=").find(text[at]) == std::string_view::npos) return std::nullopt;
  clause.operation = text[at++];
  for (; at < text.size(); ++at) {
    switch (text[at]) {
      case 'r':
        clause.bits |= 0444;
        break;
      case 'w':
        clause.bits |= 0222;
        break;
      case 'x':
        clause.bits |= 0111;
        break;
      case 'X':
        clause.execute_if_any = true;
        break;
      case 's':
        clause.bits |= ((clause.who & 0700) != 0 ? 04000U : 0U) | ((clause.who & 0070) != 0 ? 02000U : 0U);
        break;
      case 't':
        clause.bits |= 01000;
        break;
      default:
        return std::nullopt;
    }
  }
  return clause;
}

}  // namespace

Result<std::function<mode_t(mode_t)>> mode_change(const std::string& text) {
  bool octal = !text.empty() && text.size() <= 5 && text.find_first_not_of("01234567") == std::string::npos;
  if (octal) {
    auto mode = static_cast<mode_t>(std::stoul(text, nullptr, 8));
    return std::function<mode_t(mode_t)>([mode](mode_t) { return mode; });
  }
  std::vector<Clause> clauses;
  for (const std::string& part : split(text, ',')) {
    std::optional<Clause> clause = parse_clause(part);
    if (!clause)
      return make_error(
          fmt::format("--chmod=\"{}\": expected an octal number such as 0755, or a symbolic mode", printable(text)));
    clauses.push_back(*clause);
  }
  return std::function<mode_t(mode_t)>([clauses](mode_t mode) {
    for (const Clause& clause : clauses) mode = apply(clause, mode);
    return mode;
  });
}

}  // namespace berth::builder
