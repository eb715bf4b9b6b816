#include <catch2/catch.hpp>

#include "compose/emit.h"
#include "compose/graph.h"
#include "compose/load.h"
#include "compose/parse.h"
#include "compose/select.h"

using namespace berth;
using namespace berth::compose;

namespace {

using Names = std::vector<std::string>;
using Files = std::map<std::string, std::string>;

LoadRequest in_work() {
  LoadRequest request;
  request.working_directory = "/src/My.App";
  return request;
}

Project must_load(MemoryFiles files, const LoadRequest& request) {
  Diagnostics diagnostics;
  std::optional<Project> project = load(request, files, diagnostics);
  INFO(diagnostics.render());
  REQUIRE(project);
  return *project;
}

Project must_load(const std::string& text) {
  return must_load(MemoryFiles(Files{{"/src/My.App/compose.yaml", text}}), in_work());
}

constexpr const char* kChain = R"(services:
  web: {image: x, depends_on: {api: {condition: service_healthy}}}
  api: {image: x, depends_on: [db, cache]}
  db: {image: x}
  cache: {image: x}
  side: {image: x, network_mode: "service:web"}
  debug: {image: x, profiles: [dbg], depends_on: [db]}
)";

}  // namespace

TEST_CASE("the start order has layers that may start side by side") {
  Project project = must_load(kChain);
  StartGraph graph(project);
  CHECK(graph.layers() == std::vector<Names>{{"cache", "db"}, {"api"}, {"web"}, {"side"}});
  CHECK(graph.stop_order() == Names{"side", "web", "api", "db", "cache"});
  CHECK(graph.dependencies("web").at("api").condition == Condition::service_healthy);
  CHECK(graph.dependencies("side").at("web").restart);
  CHECK(graph.dependents("db") == Names{"api"});
  CHECK(graph.cycle().empty());
}

TEST_CASE("services named on the command line bring what they need") {
  Project project = must_load(kChain);
  CHECK(*select_services(project, {"api"}, Follow::dependencies) == Names{"cache", "db", "api"});
  CHECK(*select_services(project, {"api"}, Follow::none) == Names{"api"});
  CHECK(*select_services(project, {"db"}, Follow::dependents) == Names{"db", "api", "web", "side"});
  CHECK(select_services(project, {}, Follow::dependencies)->size() == 5);
  Result<Names> wrong = select_services(project, {"wbe"}, Follow::none);
  REQUIRE_FALSE(wrong.ok());
  CHECK(wrong.error().message() == "no such service: wbe");
  CHECK(wrong.error().hint == "did you mean \"web\"?");
  CHECK(select_services(project, {"debug"}, Follow::none).error().hint == "enable it with --profile dbg");
}

TEST_CASE("naming a service activates its profiles") {
  LoadRequest request = in_work();
  request.services = {"debug"};
  Project project = must_load(MemoryFiles(Files{{"/src/My.App/compose.yaml", kChain}}), request);
  CHECK(project.services.contains("debug"));
  CHECK(project.profiles == Names{"dbg"});
}

TEST_CASE("profiles come from the command line or from COMPOSE_PROFILES") {
  MemoryFiles files(Files{{"/src/My.App/compose.yaml", kChain}, {"/src/My.App/.env", "COMPOSE_PROFILES=a, dbg"}});
  CHECK(must_load(files, in_work()).services.contains("debug"));
  LoadRequest request = in_work();
  request.profiles = {"other"};
  CHECK_FALSE(must_load(files, request).services.contains("debug"));
  request.profiles = {"*"};
  CHECK(must_load(files, request).services.contains("debug"));
}

TEST_CASE("the project name comes from the flag, the variable, the file or the directory") {
  std::string named = std::string("name: From-${X:-File}\n") + kChain;
  std::map<std::string, std::string> files = {{"/src/My.App/compose.yaml", kChain}};
  CHECK(must_load(MemoryFiles(files), in_work()).name == "myapp");
  files["/src/My.App/compose.yaml"] = named;
  CHECK(must_load(MemoryFiles(files), in_work()).name == "from-file");
  files["/src/My.App/.env"] = "COMPOSE_PROJECT_NAME=fromenv";
  CHECK(must_load(MemoryFiles(files), in_work()).name == "fromenv");
  LoadRequest request = in_work();
  request.project_name = "flag";
  CHECK(must_load(MemoryFiles(files), request).name == "flag");
  request.project_name = "Not.Normal";
  Diagnostics diagnostics;
  MemoryFiles again(files);
  CHECK_FALSE(load(request, again, diagnostics));
}

TEST_CASE("compose files are searched upward, with one override beside") {
  MemoryFiles files(Files{{"/src/docker-compose.yml", "services: {a: {image: x}}"},
                          {"/src/docker-compose.override.yml", "services: {a: {image: y}}"}});
  Project project = must_load(files, in_work());
  CHECK(project.working_dir == "/src");
  CHECK(project.config_files == Names{"/src/docker-compose.yml", "/src/docker-compose.override.yml"});
  CHECK(project.services.at("a").image == "y");

  LoadRequest request = in_work();
  request.files = {"../docker-compose.yml"};
  CHECK(must_load(files, request).services.at("a").image == "x");
}

TEST_CASE("a file may come from standard input") {
  LoadRequest request = in_work();
  request.files = {"-"};
  Project project = must_load(MemoryFiles(Files{}, "services: {a: {image: x, volumes: ['./d:/d']}}"), request);
  CHECK(project.services.at("a").volumes.at(0).source == "/src/My.App/d");
}

TEST_CASE("COMPOSE_FILE in .env names the files, and both .env count") {
  MemoryFiles files(Files{{"/src/My.App/.env", "COMPOSE_FILE=sub/c.yml\nA=cwd"},
                          {"/src/My.App/sub/.env", "A=sub\nB=sub"},
                          {"/src/My.App/sub/c.yml", "services: {a: {image: '$A-$B'}}"}});
  CHECK(must_load(files, in_work()).services.at("a").image == "cwd-sub");
}

TEST_CASE("explicit env files replace .env, and the process wins over all") {
  MemoryFiles files(Files{{"/src/My.App/.env", "A=default"},
                          {"/src/My.App/one", "A=1\nB=1\nC=1"},
                          {"/src/My.App/two", "B=2\nC=2"},
                          {"/src/My.App/compose.yaml", "services: {a: {image: '$A-$B-$C'}}"}});
  LoadRequest request = in_work();
  request.env_files = {"one", "two"};
  request.environment = {{"C", "p"}};
  CHECK(must_load(files, request).services.at("a").image == "1-2-p");
  request.env_files = {"missing"};
  Diagnostics diagnostics;
  CHECK_FALSE(load(request, files, diagnostics));
}

TEST_CASE("an env_file of a service that is not used may be missing") {
  std::string text = "services: {a: {image: x}, b: {image: x, env_file: gone}}";
  LoadRequest request = in_work();
  MemoryFiles files(Files{{"/src/My.App/compose.yaml", text}});
  Diagnostics diagnostics;
  CHECK_FALSE(load(request, files, diagnostics));
  request.services = {"a"};
  CHECK(must_load(files, request).services.size() == 2);
}

TEST_CASE("several documents of one file are merged like override files") {
  Project project =
      must_load("services: {a: {image: x, ports: ['1:1']}}\n---\nservices: {a: {ports: !override ['2:2']}}");
  REQUIRE(project.services.at("a").ports.size() == 1);
  CHECK(project.services.at("a").ports[0].published == "2");
}

TEST_CASE("merge keys give way to a map's own keys") {
  Project project = must_load(
      "x-a: &a {image: base, hostname: h}\nx-b: &b {hostname: other, user: u}\n"
      "services: {s: {<<: [*a, *b], image: own}}");
  const Service& service = project.services.at("s");
  CHECK(service.image == "own");
  CHECK(service.hostname == "h");
  CHECK(service.user == "u");
}

TEST_CASE("attributes know where they were written") {
  Project project = must_load("services:\n  a:\n    image: x\n    ports:\n      - '80:80'\n");
  const Service& service = project.services.at("a");
  CHECK(service.span.str() == "compose.yaml:2:3");
  CHECK(service.place("image").str() == "compose.yaml:3:12");
  CHECK(service.ports.at(0).span.str() == "compose.yaml:5:9");
  CHECK(service.place("user").str() == "compose.yaml:2:3");
}

TEST_CASE("what does not change a container does not change its JSON") {
  Project a = must_load("services: {s: {image: x, scale: 2, profiles: [], depends_on: [t]}, t: {image: x}}");
  Project b = must_load("services: {s: {image: x, pull_policy: always}, t: {image: x}}");
  Project c = must_load("services: {s: {image: x, environment: {A: $$1}}, t: {image: x}}");
  CHECK(service_json(a.services.at("s")) == service_json(b.services.at("s")));
  CHECK(service_json(c.services.at("s")) == R"({"environment":{"A":"$1"},"image":"x","networks":{"default":null}})");
}

TEST_CASE("broken YAML is one mistake, not many") {
  auto file = source_file("x.yaml");
  auto errors = [&](const std::string& text) {
    Diagnostics diagnostics;
    ParseBudget budget;
    (void)parse_yaml(file, text, budget, diagnostics);
    return diagnostics.error_count();
  };
  CHECK(errors("a: &a [*a]") == 1);
  CHECK(errors("a: *nobody") == 1);
  CHECK(errors("a: \"open") == 1);
  CHECK(errors(", profi") == 1);
  CHECK(errors("a: b: c") == 1);
  CHECK(errors("[a]: b") == 1);
}
