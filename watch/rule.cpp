#include "watch/rule.h"

#include <algorithm>

namespace berth::watch {
namespace {

/// "/a/b/c" below "/a" as "b/c"; the directory itself as "".
std::string_view below(std::string_view path, std::string_view directory) {
  path.remove_prefix(directory.size());
  while (path.starts_with('/')) path.remove_prefix(1);
  return path;
}

}  // namespace

std::string_view action_name(Action action) {
  switch (action) {
    case Action::sync:
      return "sync";
    case Action::rebuild:
      return "rebuild";
    case Action::restart:
      return "restart";
    case Action::sync_restart:
      return "sync+restart";
    case Action::sync_exec:
      return "sync+exec";
  }
  return "";
}

bool is_within(std::string_view path, std::string_view directory) {
  if (directory == "/") return true;
  return path.starts_with(directory) && (path.size() == directory.size() || path[directory.size()] == '/');
}

bool Patterns::match(std::string_view path) const {
  return is_within(path, root) && rules.ignores(below(path, root));
}

bool Rule::concerns(std::string_view changed) const {
  if (!is_within(changed, path)) return false;
  if (included && !included->match(changed)) return false;
  return std::none_of(ignored.begin(), ignored.end(), [&](const Patterns& one) { return one.match(changed); });
}

bool Rule::enters(std::string_view directory) const {
  if (!is_within(directory, path)) return false;
  return std::none_of(ignored.begin(), ignored.end(),
                      [&](const Patterns& one) { return !one.rules.may_hold_exceptions() && one.match(directory); });
}

std::string Rule::target_of(std::string_view changed) const {
  std::string_view rest = below(changed, path);
  if (rest.empty()) return target;
  return target + (target.ends_with('/') ? "" : "/") + std::string(rest);
}

Patterns always_ignored(const std::string& root) {
  // Of git, JetBrains' editors, vim, emacs, kate; and the go tool's probe of the umask.
  constexpr const char* kLines =
      "**/.git\n"
      "**/.idea\n**/*___jb_old___\n**/*___jb_tmp___\n"
      "**/4913\n**/*~\n**/.*.swp\n**/.*.swx\n**/.*.swo\n**/.*.swn\n"
      "**/.#*\n**/#*#\n"
      "**/.*.kate-swp\n"
      "**/*-go-tmp-umask\n";
  Diagnostics none;
  return {root, dockerfile::IgnoreRules::parse("", kLines, none)};
}

bool Work::empty() const {
  return rebuild.empty() && restart.empty() && copies.empty() && commands.empty();
}

Work work_for(const std::vector<Rule>& rules, const std::set<std::string>& changed) {
  Work work;
  for (size_t i = 0; i < rules.size(); ++i) {
    const Rule& rule = rules[i];
    for (const std::string& path : changed) {
      if (!rule.concerns(path)) continue;
      if (copies(rule.action)) work.copies[rule.service][rule.target_of(path)] = path;
      if (rule.action == Action::rebuild) work.rebuild.insert(rule.service);
      if (rule.action == Action::restart || rule.action == Action::sync_restart) work.restart.insert(rule.service);
      if (rule.action == Action::sync_exec) work.commands.insert(i);
    }
  }
  return work;
}

}  // namespace berth::watch
