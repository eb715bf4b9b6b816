#include "dockerfile/path_pattern.h"

#include <fmt/core.h>

#include <optional>
#include <vector>

#include "base/text.h"

namespace berth::dockerfile {
namespace {

/// "[a-z]" at the beginning of a pattern: where it ends, and whether the character is in it. Nothing if it has no end.
struct Class {
  size_t length = 0;
  bool contains = false;
};
std::optional<Class> read_class(std::string_view pattern, char wanted) {
  size_t at = 1;
  bool negated = at < pattern.size() && pattern[at] == '^';
  if (negated) ++at;
  auto take = [&]() -> std::optional<char> {
    if (at < pattern.size() && pattern[at] == '\\') ++at;
    if (at >= pattern.size()) return std::nullopt;
    return pattern[at++];
  };
  bool found = false;
  for (bool first = true;; first = false) {
    if (at >= pattern.size()) return std::nullopt;
    if (pattern[at] == ']' && !first) break;
    std::optional<char> low = take();
    std::optional<char> high = low;
    if (at + 1 < pattern.size() && pattern[at] == '-') {
      ++at;
      high = take();
    }
    if (!low || !high) return std::nullopt;
    found = found || (*low <= wanted && wanted <= *high);
  }
  return Class{at + 1, found != negated};
}

}  // namespace

std::string clean_path(std::string_view path) {
  std::vector<std::string> parts;
  for (const std::string& part : split(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (part != "..")
      parts.push_back(part);
    else if (!parts.empty())
      parts.pop_back();
  }
  return join(parts, "/");
}

Result<PathPattern> PathPattern::parse(std::string text, bool doubled) {
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\\' && ++at == text.size())
      return make_error(fmt::format("the pattern \"{}\" ends in \"\\\"", printable(text)));
    if (text[at] != '[' || (at > 0 && text[at - 1] == '\\')) continue;
    std::optional<Class> found = read_class(std::string_view(text).substr(at), 'x');
    if (!found) return make_error(fmt::format("the pattern \"{}\" has a \"[\" without \"]\"", printable(text)));
    at += found->length - 1;
  }
  return PathPattern(std::move(text), doubled);
}

/// One pass over the path per element of the pattern, as in glob.cpp.
bool PathPattern::matches(std::string_view path) const {
  std::vector<bool> reachable(path.size() + 1, false), next;
  reachable[0] = true;
  std::string_view rest = text_;
  auto one = [&](auto&& accepts) {
    next.assign(path.size() + 1, false);
    for (size_t i = 0; i < path.size(); ++i) next[i + 1] = reachable[i] && accepts(path[i]);
  };
  while (!rest.empty()) {
    size_t length = 1;
    if (doubled_ && rest.starts_with("**")) {
      length = rest.starts_with("**/") ? 3 : 2;
      next.assign(path.size() + 1, false);
      bool seen = false;
      for (size_t i = 0; i <= path.size(); ++i) {
        seen = seen || reachable[i];
        // "**/" is any number of whole directories, so what follows begins behind a "/".
        next[i] = length == 2 ? seen : reachable[i] || (seen && i > 0 && path[i - 1] == '/');
      }
    } else if (rest.front() == '*') {
      next.assign(path.size() + 1, false);
      bool seen = false;
      for (size_t i = 0; i <= path.size(); ++i) {
        if (i > 0 && path[i - 1] == '/') seen = false;
        next[i] = seen = seen || reachable[i];
      }
    } else if (rest.front() == '?') {
      one([](char c) { return c != '/'; });
    } else if (rest.front() == '[') {
      length = read_class(rest, 'x')->length;
      one([&](char c) { return c != '/' && read_class(rest, c)->contains; });
    } else {
      if (rest.front() == '\\') rest.remove_prefix(1);
      one([&](char c) { return c == rest.front(); });
    }
    rest.remove_prefix(length);
    reachable.swap(next);
  }
  return reachable.back();
}

}  // namespace berth::dockerfile
