#include "git/modules.h"

#include <fmt/core.h>

#include "base/text.h"
#include "dockerfile/git_remote.h"

namespace berth::git {
namespace {

/// A value of git's configuration: quotes and backslashes taken away, comments cut off.
std::string value_of(std::string_view text) {
  std::string value;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '"')
      quoted = !quoted;
    else if (!quoted && (c == '#' || c == ';'))
      break;
    else
      value += c == '\\' && i + 1 < text.size() ? text[++i] : c;
  }
  return std::string(trim(value));
}

}  // namespace

std::map<std::string, std::string> parse_modules(std::string_view text) {
  struct Module {
    std::string path, url;
  };
  std::map<std::string, Module> modules;
  Module* module = nullptr;
  for (const std::string& line : split(text, '\n')) {
    std::string_view words = trim(line);
    if (words.starts_with('[')) {
      bool named = to_lower(words.substr(0, 11)) == "[submodule ";
      module = named ? &modules[std::string(words.substr(11, words.rfind(']') - 11))] : nullptr;
      continue;
    }
    size_t equals = words.find('=');
    if (module == nullptr || equals == std::string_view::npos) continue;
    std::string key = to_lower(trim(words.substr(0, equals)));
    if (key == "path") module->path = value_of(words.substr(equals + 1));
    if (key == "url") module->url = value_of(words.substr(equals + 1));
  }
  std::map<std::string, std::string> urls;
  for (const auto& [name, one] : modules) {
    if (!one.path.empty() && !one.url.empty()) urls[one.path] = one.url;
  }
  return urls;
}

Result<std::string> module_url(const std::string& repository, const std::string& url) {
  std::string base = repository.ends_with('/') ? repository.substr(0, repository.size() - 1) : repository;
  std::string_view rest = url;
  bool relative = rest.starts_with("./") || rest.starts_with("../");
  for (;;) {
    if (rest.starts_with("./")) {
      rest.remove_prefix(2);
    } else if (rest.starts_with("../")) {
      rest.remove_prefix(3);
      size_t end = base.find_last_of("/:");
      base.resize(end == std::string::npos ? 0 : base[end] == ':' ? end + 1 : end);
    } else {
      break;
    }
  }
  std::string full = !relative ? url : fmt::format("{}{}{}", base, base.ends_with(':') ? "" : "/", rest);
  if (dockerfile::is_git_address(full) && full.find("/../") == std::string::npos) return full;
  return make_error(
      fmt::format("\"{}\" is not the address of a repository", printable(url)),
      "expected http://, https://, ssh://, git://, USER@HOST:PATH, or a path relative to the repository's own");
}

}  // namespace berth::git
