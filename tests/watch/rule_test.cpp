#include "watch/rule.h"

#include <catch2/catch.hpp>

using namespace berth;
using namespace berth::watch;

namespace {

Patterns patterns(const std::string& root, const std::string& lines) {
  Diagnostics found;
  Patterns made{root, dockerfile::IgnoreRules::parse("", lines, found)};
  CHECK_FALSE(found.has_errors());
  return made;
}

Rule rule(Action action, const std::string& path, const std::string& target = "") {
  Rule made;
  made.service = "web";
  made.action = action;
  made.path = path;
  made.target = target;
  return made;
}

}  // namespace

TEST_CASE("a path is within a directory only at a slash") {
  CHECK(is_within("/a/b", "/a/b"));
  CHECK(is_within("/a/b/c", "/a/b"));
  CHECK_FALSE(is_within("/a/bc", "/a/b"));
  CHECK_FALSE(is_within("/a", "/a/b"));
  CHECK(is_within("/a", "/"));
}

TEST_CASE("a rule is about its path and what is below it, but for what is ignored") {
  Rule sync = rule(Action::sync, "/p/src", "/app");
  sync.ignored = {always_ignored(sync.path), patterns("/p/src", "node_modules/\n*.log\n!keep.log"),
                  patterns("/p", "src/dist")};
  CHECK(sync.concerns("/p/src"));
  CHECK(sync.concerns("/p/src/main.c"));
  CHECK(sync.concerns("/p/src/keep.log"));
  CHECK(sync.concerns("/p/src/deep/x.log"));  // patterns stop at slashes
  for (const char* path :
       {"/p/other", "/p/src/x.log", "/p/src/node_modules/a/b.js", "/p/src/dist/x", "/p/src/.git/HEAD",
        "/p/src/lib/.git/HEAD", "/p/src/.main.c.swp", "/p/src/a/main.c~", "/p/src/4913", "/p/src/.#x"})
    CHECK_FALSE(sync.concerns(path));
}

TEST_CASE("where a rule includes something, nothing else is meant") {
  Rule sync = rule(Action::sync, "/p", "/app");
  sync.included = patterns("/p", "*.html\nassets");
  CHECK(sync.concerns("/p/index.html"));
  CHECK(sync.concerns("/p/assets/x.png"));
  CHECK_FALSE(sync.concerns("/p/main.c"));
  CHECK_FALSE(sync.concerns("/p"));
  CHECK(sync.enters("/p/deep"));
}

TEST_CASE("a directory is entered unless all of it is ignored") {
  Rule sync = rule(Action::sync, "/p", "/app");
  sync.ignored = {patterns("/p", "node_modules")};
  CHECK(sync.enters("/p"));
  CHECK(sync.enters("/p/src"));
  CHECK_FALSE(sync.enters("/p/node_modules"));
  CHECK_FALSE(sync.enters("/q"));
  sync.ignored = {patterns("/p", "node_modules\n!node_modules/mine")};
  CHECK(sync.enters("/p/node_modules"));
}

TEST_CASE("a file's place in the container is below the target") {
  CHECK(rule(Action::sync, "/p", "/app").target_of("/p/a/b") == "/app/a/b");
  CHECK(rule(Action::sync, "/p", "/app/").target_of("/p/a") == "/app/a");
  CHECK(rule(Action::sync, "/p", "/").target_of("/p/a") == "/a");
  CHECK(rule(Action::sync, "/p/one.conf", "/etc/one.conf").target_of("/p/one.conf") == "/etc/one.conf");
}

TEST_CASE("a burst asks for each thing once") {
  Rule sync = rule(Action::sync, "/p/src", "/app");
  Rule restart = rule(Action::sync_restart, "/p/conf", "/etc");
  Rule rebuild = rule(Action::rebuild, "/p/package.json");
  rebuild.service = "other";
  Rule command = rule(Action::sync_exec, "/p/src", "/copy");
  const std::vector<Rule> rules{sync, restart, rebuild, command};
  const Work work = work_for(rules, {"/p/src/a", "/p/src/b", "/p/conf/x", "/p/conf/y", "/p/package.json", "/p/README"});
  CHECK(work.copies.at("web") == Copies{{"/app/a", "/p/src/a"},
                                        {"/app/b", "/p/src/b"},
                                        {"/copy/a", "/p/src/a"},
                                        {"/copy/b", "/p/src/b"},
                                        {"/etc/x", "/p/conf/x"},
                                        {"/etc/y", "/p/conf/y"}});
  CHECK(work.restart == std::set<std::string>{"web"});
  CHECK(work.rebuild == std::set<std::string>{"other"});
  CHECK(work.commands == std::set<size_t>{3});
  CHECK(work_for(rules, {"/p/README"}).empty());
}
