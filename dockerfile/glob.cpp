#include "dockerfile/glob.h"

#include <vector>

namespace berth::dockerfile {
namespace {

/// For each length whether the pattern matches so many first bytes of the text: one pass over the text per element of
/// the pattern, so that no pattern takes more than their product.
std::vector<bool> matching_lengths(std::string_view pattern, std::string_view text) {
  std::vector<bool> reachable(text.size() + 1, false);
  reachable[0] = true;
  for (size_t p = 0; p < pattern.size(); ++p) {
    std::vector<bool> next(text.size() + 1, false);
    if (pattern[p] == '*') {
      bool seen = false;
      for (size_t i = 0; i <= text.size(); ++i) next[i] = seen = seen || reachable[i];
    } else {
      bool any = pattern[p] == '?';
      if (pattern[p] == '\\' && p + 1 < pattern.size()) ++p;
      for (size_t i = 0; i < text.size(); ++i) next[i + 1] = reachable[i] && (any || text[i] == pattern[p]);
    }
    reachable = std::move(next);
  }
  return reachable;
}

}  // namespace

std::optional<size_t> match_prefix(std::string_view pattern, std::string_view text, bool longest) {
  std::vector<bool> lengths = matching_lengths(pattern, text);
  std::optional<size_t> found;
  for (size_t i = 0; i < lengths.size(); ++i) {
    if (!lengths[i]) continue;
    found = i;
    if (!longest) break;
  }
  return found;
}

std::optional<size_t> match_suffix(std::string_view pattern, std::string_view text, bool longest) {
  for (size_t n = 0; n <= text.size(); ++n) {
    size_t length = longest ? text.size() - n : n;
    if (matching_lengths(pattern, text.substr(text.size() - length)).back()) return length;
  }
  return std::nullopt;
}

std::string replace_matches(std::string_view pattern, std::string_view text, std::string_view replacement, bool all) {
  std::string result;
  bool done = false;
  for (size_t at = 0; at < text.size();) {
    std::optional<size_t> length = done && !all ? std::nullopt : match_prefix(pattern, text.substr(at), true);
    if (!length || *length == 0) {
      result += text[at++];
      continue;
    }
    result += replacement;
    at += *length;
    done = true;
  }
  return result;
}

}  // namespace berth::dockerfile
