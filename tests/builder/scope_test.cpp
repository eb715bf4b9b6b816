#include "builder/scope.h"

#include <catch2/catch.hpp>

using namespace berth;
using namespace berth::builder;

namespace {

Given given(Values build_args = {}) {
  return {std::move(build_args), {"linux", "arm64", "v8"}, {"linux", "amd64", ""}, ""};
}

}  // namespace

TEST_CASE("a stage sees a global ARG only after it has declared it") {
  Given all = given({{"ASKED", "by-flag"}});
  Scope global(all);
  global.declare("VERSION", "1");
  global.declare("ASKED", "default");
  CHECK(global.find("VERSION") == "1");
  CHECK(global.find("ASKED") == "by-flag");
  Scope stage(all, global, {"PATH=/bin"}, {});
  CHECK_FALSE(stage.find("VERSION"));
  stage.declare("VERSION", std::nullopt);
  stage.declare("ASKED", std::nullopt);
  stage.declare("NOBODY", std::nullopt);
  CHECK(stage.find("VERSION") == "1");
  CHECK(stage.find("ASKED") == "by-flag");
  CHECK_FALSE(stage.find("NOBODY"));
  stage.declare("VERSION", "2");
  CHECK(stage.find("VERSION") == "2");
}

TEST_CASE("of ENV and ARG the later one wins, and both reach a RUN") {
  Given all = given({{"HTTP_PROXY", "http://proxy"}});
  Scope global(all);
  Scope stage(all, global, {"PATH=/bin"}, {});
  stage.declare("A", "arg");
  stage.declare("B", "arg");
  stage.set_env("A", "env");
  stage.set_env("PATH", "/usr/bin");
  CHECK(stage.find("A") == "env");
  CHECK(stage.env() == std::vector<std::string>{"PATH=/usr/bin", "A=env"});
  CHECK(stage.run_env() == std::vector<std::string>{"PATH=/usr/bin", "A=env", "B=arg", "HTTP_PROXY=http://proxy"});
  stage.declare("A", "again");
  CHECK(stage.find("A") == "again");
  CHECK(stage.env() == std::vector<std::string>{"PATH=/usr/bin", "A=env"});
  CHECK(stage.run_env().at(1) == "A=again");
  stage.declare("A", std::nullopt);
  CHECK(stage.find("A") == "again");
}

TEST_CASE("a stage on top of a stage has its ARGs") {
  Given all = given();
  Scope global(all);
  Scope first(all, global, {}, {});
  first.declare("A", "1");
  Scope second(all, global, first.env(), first.args());
  CHECK(second.find("A") == "1");
}

TEST_CASE("platform arguments are there for FROM, and for stages that declare them") {
  Given all = given();
  Scope global(all);
  CHECK(global.find("TARGETPLATFORM") == "linux/arm64/v8");
  CHECK(global.find("BUILDARCH") == "amd64");
  Scope stage(all, global, {}, {});
  CHECK_FALSE(stage.find("TARGETARCH"));
  stage.declare("TARGETARCH", std::nullopt);
  CHECK(stage.find("TARGETARCH") == "arm64");
}
