#include "cli/watch/rules.h"

#include <fmt/core.h>
#include <limits.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "base/text.h"
#include "cli/project.h"
#include "compose/select.h"
#include "sys/file.h"

namespace berth::cli {
namespace {

constexpr std::pair<std::string_view, watch::Action> kActions[] = {
    {"sync", watch::Action::sync},           {"rebuild", watch::Action::rebuild},
    {"restart", watch::Action::restart},     {"sync+restart", watch::Action::sync_restart},
    {"sync+exec", watch::Action::sync_exec},
};

/// The path without symbolic links, as far as it is there.
std::string real_path(const std::string& path) {
  char real[PATH_MAX];
  if (realpath(path.c_str(), real) != nullptr) return real;
  const size_t slash = path.rfind('/');
  if (slash == 0 || slash == std::string::npos) return path;
  const std::string above = real_path(path.substr(0, slash));
  return (above == "/" ? "" : above) + path.substr(slash);
}

class Reading {
 public:
  Reading(const Context& context, const compose::Project& project, bool warn)
      : context_(context), project_(project), warn_(warn) {}

  void read(const compose::Service& service) {
    std::optional<watch::Patterns> of_build = ignored_by_build(service);
    const compose::Develop develop = compose::develop_of(service);
    for (const compose::WatchRule& written : develop.watch) {
      watch::Rule rule;
      rule.service = service.name;
      for (const auto& [word, action] : kActions) {
        if (written.action == word) rule.action = action;
      }
      if (!check(service, written, rule.action)) continue;
      rule.path = real_path(written.path);
      rule.target = written.target;
      rule.ignored = {watch::always_ignored(rule.path), patterns(written, rule.path, "ignore", written.ignore)};
      if (of_build) rule.ignored.push_back(*of_build);
      if (!written.include.empty()) rule.included = patterns(written, rule.path, "include", written.include);
      rules_.rules.push_back(std::move(rule));
      rules_.written.push_back(written);
    }
  }

  std::optional<WatchRules> finish(const std::vector<const compose::Service*>& services) {
    if (rules_.rules.empty() && !problems_.has_errors()) {
      for (const compose::Service* service : services)
        problems_.note(service->span, fmt::format("service \"{}\" has no `develop.watch`", service->name));
      print_error(context_, make_error("none of the selected services is configured for watch",
                                       "say under `develop: watch:` of a service what is to happen when its files "
                                       "change"));
      fmt::print(stderr, "{}", problems_.render(context_.colour(STDERR_FILENO)));
      return std::nullopt;
    }
    if (warn_ || problems_.has_errors()) fmt::print(stderr, "{}", problems_.render(context_.colour(STDERR_FILENO)));
    if (problems_.has_errors()) return std::nullopt;
    return std::move(rules_);
  }

  void miss(const compose::Service& service) {
    problems_.warning(service.span,
                      fmt::format("service \"{}\" has no `develop.watch`: it is not watched", service.name));
  }

 private:
  /// Whether the rule can be followed.
  bool check(const compose::Service& service, const compose::WatchRule& rule, watch::Action action) {
    if (action == watch::Action::rebuild && !service.build) {
      problems_.error(
          rule.span,
          fmt::format("can't watch service \"{}\" with action rebuild without a build context", service.name),
          "give the service a `build:`, or take `sync` or `restart`");
      return false;
    }
    if (action == watch::Action::sync_exec && (!rule.exec || rule.exec->command.empty())) {
      problems_.error(rule.span,
                      fmt::format("can't watch service \"{}\" with action sync+exec without a command", service.name),
                      "say it as `exec: command:`");
      return false;
    }
    if (!watch::copies(action)) return true;
    if (!rule.target.starts_with('/')) {
      problems_.error(rule.span, fmt::format("service \"{}\" has a watch rule whose target is not an absolute path: "
                                             "\"{}\"",
                                             service.name, printable(rule.target)));
      return false;
    }
    const bool mounted = std::any_of(service.volumes.begin(), service.volumes.end(), [&](const compose::Mount& mount) {
      return mount.type == compose::Mount::Type::bind && watch::is_within(rule.path, mount.source);
    });
    if (mounted)
      problems_.warning(rule.span, fmt::format("path \"{}\" also declared by a bind mount volume: the container of "
                                               "\"{}\" sees its changes, and the rule is left out",
                                               printable(rule.path), service.name));
    return !mounted;
  }

  watch::Patterns patterns(const compose::WatchRule& rule, const std::string& root, const char* attribute,
                           const std::vector<std::string>& lines) {
    Diagnostics found;
    watch::Patterns patterns{root, dockerfile::IgnoreRules::parse("", join(lines, "\n"), found)};
    for (const Diagnostic& one : found.all())
      problems_.error(rule.span, fmt::format("`{}` of the watch rule: {}", attribute, one.message));
    return patterns;
  }

  /// What the build leaves out of its context. Nothing where that is everything but for exceptions: as to Docker
  /// Compose, such a list says what an image needs, and not what is of interest while one works.
  std::optional<watch::Patterns> ignored_by_build(const compose::Service& service) {
    if (!service.build) return std::nullopt;
    const std::string context = service.build->context.value_or(project_.working_dir);
    if (!context.starts_with('/')) return std::nullopt;  // it is elsewhere
    for (const std::string& name :
         {service.build->dockerfile.value_or("Dockerfile") + ".dockerignore", std::string(".dockerignore")}) {
      const std::string path = name.starts_with('/') ? name : context + "/" + name;
      Result<std::string> text = sys::read_file(path, 1 << 20);
      if (!text) continue;
      const std::vector<std::string> lines = split(*text, '\n');
      const bool all =
          std::any_of(lines.begin(), lines.end(), [](const std::string& line) { return trim(line) == "*"; });
      if (all) return std::nullopt;
      return watch::Patterns{real_path(context), dockerfile::IgnoreRules::parse(path, *text, problems_)};
    }
    return std::nullopt;
  }

  const Context& context_;
  const compose::Project& project_;
  bool warn_;
  WatchRules rules_;
  Diagnostics problems_;
};

/// The named services, or all.
std::vector<const compose::Service*> chosen(const compose::Project& project, const std::vector<std::string>& names) {
  std::vector<const compose::Service*> services;
  for (const auto& [name, service] : project.services) {
    if (names.empty() || std::find(names.begin(), names.end(), name) != names.end()) services.push_back(&service);
  }
  return services;
}

}  // namespace

std::optional<WatchRules> watch_rules(const Context& context, const compose::Project& project,
                                      const std::vector<std::string>& services, bool warn) {
  Result<std::vector<std::string>> known = compose::select_services(project, services, compose::Follow::none);
  if (!known) return (void)report(context, known.error()), std::nullopt;
  Reading reading(context, project, warn);
  const bool any = is_watchable(project, services);
  const std::vector<const compose::Service*> all = chosen(project, services);
  for (const compose::Service* service : all) {
    if (any && !services.empty() && !is_watched(*service)) reading.miss(*service);
    reading.read(*service);
  }
  return reading.finish(all);
}

bool is_watched(const compose::Service& service) {
  return !compose::develop_of(service).watch.empty();
}

bool is_watchable(const compose::Project& project, const std::vector<std::string>& services) {
  const std::vector<const compose::Service*> all = chosen(project, services);
  return std::any_of(all.begin(), all.end(), [](auto* service) { return is_watched(*service); });
}

}  // namespace berth::cli
