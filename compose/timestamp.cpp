#include "compose/timestamp.h"

#include <fmt/core.h>

namespace berth::compose {
namespace {

bool is_time_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Takes parts of a time off the front of a text.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  [[nodiscard]] bool at_end() const { return rest_.empty(); }

  /// A number of at least `least` and at most `most` digits, not above `limit`.
  std::optional<int> number(size_t least, size_t most, int limit) {
    int value = 0;
    size_t count = 0;
    while (count < most && count < rest_.size() && is_time_digit(rest_[count])) value = value * 10 + (rest_[count++] - '0');
    if (count < least || value > limit) return std::nullopt;
    rest_.remove_prefix(count);
    return value;
  }
  bool one_of(std::string_view characters) {
    if (rest_.empty() || characters.find(rest_.front()) == std::string_view::npos) return false;
    rest_.remove_prefix(1);
    return true;
  }
  /// ".25" -> "25", without zeros at its end.
  std::optional<std::string> fraction() {
    if (!one_of(".")) return std::string();
    std::string digits;
    while (!rest_.empty() && is_time_digit(rest_.front())) {
      digits += rest_.front();
      rest_.remove_prefix(1);
    }
    if (digits.empty() || digits.size() > 9) return std::nullopt;
    while (!digits.empty() && digits.back() == '0') digits.pop_back();
    return digits;
  }
  /// "Z" or "+02:00", as Go prints a zone of that kind.
  std::optional<std::string> zone() {
    if (one_of("Z")) return std::string("+0000 UTC");
    if (rest_.empty()) return std::nullopt;
    char sign = rest_.front();
    if (!one_of("+-")) return std::nullopt;
    std::optional<int> hours = number(2, 2, 24);
    if (!hours || !one_of(":")) return std::nullopt;
    std::optional<int> minutes = number(2, 2, 60);
    if (!minutes) return std::nullopt;
    if (*hours == 0 && *minutes == 0) return std::string("+0000 UTC");
    return fmt::format("{0}{1:02}{2:02} {0}{1:02}{2:02}", sign, *hours, *minutes);
  }

 private:
  std::string_view rest_;
};

int days_in(int year, int month) {
  if (month == 2) return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

}  // namespace

std::optional<std::string> go_time_text(std::string_view text) {
  if (text.size() < 8 || !is_time_digit(text[0]) || text[4] != '-') return std::nullopt;
  Scanner scan(text);
  std::optional<int> year = scan.number(4, 4, 9999);
  if (!year || !scan.one_of("-")) return std::nullopt;
  std::optional<int> month = scan.number(1, 2, 12);
  if (!month || *month == 0 || !scan.one_of("-")) return std::nullopt;
  std::optional<int> day = scan.number(1, 2, days_in(*year, *month));
  if (!day || *day == 0) return std::nullopt;
  std::string date = fmt::format("{:04}-{:02}-{:02}", *year, *month, *day);
  if (scan.at_end()) return date + " 00:00:00 +0000 UTC";

  bool with_zone = scan.one_of("Tt");
  if (!with_zone && !scan.one_of(" ")) return std::nullopt;
  std::optional<int> hour = scan.number(1, 2, 23);
  if (!hour || !scan.one_of(":")) return std::nullopt;
  std::optional<int> minute = scan.number(1, 2, 59);
  if (!minute || !scan.one_of(":")) return std::nullopt;
  std::optional<int> second = scan.number(1, 2, 59);
  if (!second) return std::nullopt;
  std::optional<std::string> fraction = scan.fraction();
  if (!fraction) return std::nullopt;
  std::optional<std::string> zone = with_zone ? scan.zone() : std::string("+0000 UTC");
  if (!zone || !scan.at_end()) return std::nullopt;
  return fmt::format("{} {:02}:{:02}:{:02}{}{} {}", date, *hour, *minute, *second, fraction->empty() ? "" : ".",
                     *fraction, *zone);
}

}  // namespace berth::compose
