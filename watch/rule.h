#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "dockerfile/ignore.h"

namespace berth::watch {

/// What a change below a path of the host means to a service: an entry of `develop.watch`.

enum class Action { sync, rebuild, restart, sync_restart, sync_exec };
[[nodiscard]] std::string_view action_name(Action action);
[[nodiscard]] constexpr bool copies(Action action) {
  return action == Action::sync || action == Action::sync_restart || action == Action::sync_exec;
}

/// Patterns as .dockerignore has them, and the directory that they count from.
struct Patterns {
  std::string root;  // absolute, clean
  dockerfile::IgnoreRules rules;

  /// False for what is not below the root.
  [[nodiscard]] bool match(std::string_view path) const;
};

struct Rule {
  std::string service;
  Action action = Action::sync;
  std::string path;    // absolute, clean, no symbolic link; a directory or a file, there or not
  std::string target;  // what `path` is in the container, absolute; empty where nothing is copied
  std::vector<Patterns> ignored;
  std::optional<Patterns> included;  // where given, nothing else

  /// Whether a change of `path` is meant.
  [[nodiscard]] bool concerns(std::string_view path) const;
  /// Whether anything in this directory may be.
  [[nodiscard]] bool enters(std::string_view directory) const;
  /// Where the file is in the container. Requires: the path is the rule's or below it.
  [[nodiscard]] std::string target_of(std::string_view path) const;
};

/// Whether `path` is `directory` or below it.
[[nodiscard]] bool is_within(std::string_view path, std::string_view directory);

/// What nobody wants watched: .git, and the files that editors keep beside the one that is written.
[[nodiscard]] Patterns always_ignored(const std::string& root);

/// Where files of the host go in the containers of a service: container path → host path. A directory stands before
/// what is in it.
using Copies = std::map<std::string, std::string>;

/// What a burst of changes asks for, once each.
struct Work {
  std::set<std::string> rebuild, restart;  // services
  std::map<std::string, Copies> copies;    // by service
  std::set<size_t> commands;               // rules whose command is to run, by index

  [[nodiscard]] bool empty() const;
};
/// `changed`: paths of the host. Of two rules with the same target the later one counts.
[[nodiscard]] Work work_for(const std::vector<Rule>& rules, const std::set<std::string>& changed);

}  // namespace berth::watch
