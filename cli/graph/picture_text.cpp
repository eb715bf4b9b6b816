#include "cli/graph/picture_text.h"

#include <algorithm>

#include "base/text.h"
#include "cli/table.h"

namespace berth::cli::graph {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

struct Character {
  char32_t code = 0;
  size_t length = 0;  // bytes; 0 = there is none here
};

Character character_at(std::string_view text, size_t at) {
  const auto first = static_cast<unsigned char>(text[at]);
  if (first < 0x80) return {first, 1};
  const size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || at + length > text.size()) return {};
  char32_t code = first & (0xFFU >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    const auto next = static_cast<unsigned char>(text[at + i]);
    if ((next & 0xC0U) != 0x80) return {};
    code = code << 6 | (next & 0x3FU);
  }
  constexpr char32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  if (code < kLeast[length] || code > 0x10FFFF || surrogate) return {};
  return {code, length};
}

/// No characters to XML, or such as change the order in which others are shown.
bool is_unwanted(char32_t code) {
  return code == 0xFFFE || code == 0xFFFF || (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069) ||
         code == 0x200E || code == 0x200F || code == 0x061C || code == 0x2028 || code == 0x2029;
}

}  // namespace

std::string clean(std::string_view text) {
  const std::string shown = printable(text);
  std::string out;
  for (size_t at = 0; at < shown.size();) {
    const Character character = character_at(shown, at);
    const bool good = character.length > 0 && !is_unwanted(character.code);
    const size_t length = std::max<size_t>(character.length, 1);
    out += good ? std::string_view(shown).substr(at, length) : kReplacement;
    at += length;
  }
  std::replace(out.begin(), out.end(), '\t', ' ');
  return out;
}

std::string shortened(const std::string& text, size_t columns) {
  constexpr std::string_view kMore = "...";
  if (display_width(text) <= columns) return text;
  std::string out;
  size_t width = kMore.size();
  for (size_t at = 0; at < text.size();) {
    const std::string one = text.substr(at, std::max<size_t>(character_at(text, at).length, 1));
    width += display_width(one);
    if (width > columns) break;
    out += one;
    at += one.size();
  }
  return out.append(kMore);
}

}  // namespace berth::cli::graph
