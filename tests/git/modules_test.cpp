#include "git/modules.h"

#include <catch2/catch.hpp>

using namespace berth::git;

TEST_CASE("submodules of a .gitmodules") {
  auto modules = parse_modules(R"(# comment
[submodule "a b"]
	path = libs/a
	url = https://host/a.git ; behind
[core]
	path = not/this
	url = https://host/no.git
[include]
	path = /etc/passwd
[Submodule "c"]
  URL = "../c.git"
  path="libs/c"
[submodule "half"]
	path = half
)");
  CHECK(modules == std::map<std::string, std::string>{{"libs/a", "https://host/a.git"}, {"libs/c", "../c.git"}});
  CHECK(parse_modules("[submodule \"").empty());
  CHECK(parse_modules("path = x\nurl = y\n[").empty());
}

TEST_CASE("relative addresses of submodules count from the repository's") {
  CHECK(module_url("https://host/owner/x.git", "../y.git").value() == "https://host/owner/y.git");
  CHECK(module_url("https://host/owner/x.git/", "../../z/y").value() == "https://host/z/y");
  CHECK(module_url("git@host:owner/x.git", "../y.git").value() == "git@host:owner/y.git");
  CHECK(module_url("git@host:x.git", "../y.git").value() == "git@host:y.git");
  CHECK(module_url("https://host/x.git", "./sub").value() == "https://host/x.git/sub");
  CHECK(module_url("https://host/x.git", "git@other:y").value() == "git@other:y");
}

TEST_CASE("submodules lead to networks only") {
  for (const char* url : {"file:///etc", "/srv/x", "ext::sh -c id", "../../../../../etc", "../", "", "./../../../../x",
                          "../a/../../../b", "https://host/a\x1b[2J"}) {
    CAPTURE(url);
    CHECK_FALSE(module_url("https://host/x.git", url).ok());
  }
}
