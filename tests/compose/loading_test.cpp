#include <catch2/catch.hpp>

#include "compose/emit.h"
#include "compose/graph.h"
#include "compose/load.h"

using namespace berth;
using namespace berth::compose;

// Which files are read, by whose variables and below which directory.

namespace {

using Files = std::map<std::string, std::string>;
using Names = std::vector<std::string>;

LoadRequest in_shop() {
  LoadRequest request;
  request.working_directory = "/src/shop";
  return request;
}

struct Loaded {
  std::optional<Project> project;
  std::string messages;

  [[nodiscard]] const Service& service(const std::string& name) const {
    INFO(messages);
    REQUIRE(project);
    REQUIRE(project->services.contains(name));
    return project->services.at(name);
  }
};

Loaded load_files(const Files& texts, const LoadRequest& request = in_shop()) {
  MemoryFiles files(texts);
  Diagnostics diagnostics;
  Loaded loaded;
  loaded.project = load(request, files, diagnostics);
  loaded.messages = diagnostics.render();
  return loaded;
}

Loaded load_text(const std::string& text) {
  return load_files({{"/src/shop/compose.yaml", text}});
}

std::string value_of(const Service& service, const std::string& name) {
  for (const auto& [key, value] : service.environment) {
    if (key == name) return value.value_or("(unset)");
  }
  return "(missing)";
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("COMPOSE_FILE is split at COMPOSE_PATH_SEPARATOR, without a search for an override") {
  LoadRequest request = in_shop();
  request.environment = {{"COMPOSE_FILE", "a.yaml;sub/b.yaml"}, {"COMPOSE_PATH_SEPARATOR", ";"}};
  Files files = {{"/src/shop/a.yaml", "services: {a: {image: x, volumes: ['./d:/d']}}"},
                 {"/src/shop/sub/b.yaml", "services: {a: {volumes: ['./e:/e']}}"},
                 {"/src/shop/compose.override.yaml", "services: {a: {image: y}}"}};
  Loaded loaded = load_files(files, request);
  CHECK(loaded.service("a").image == "x");
  // All files of a project have one directory: that of the first.
  CHECK(loaded.service("a").volumes.at(1).source == "/src/shop/e");
}

TEST_CASE("--project-directory is the base of relative paths and of .env") {
  LoadRequest request = in_shop();
  request.files = {"sub/c.yaml"};
  request.project_directory = "other";
  Files files = {{"/src/shop/sub/c.yaml", "services: {a: {image: '$V', volumes: ['./d:/d']}}"},
                 {"/src/shop/.env", "V=cwd"},
                 {"/src/shop/sub/.env", "V=sub"},
                 {"/src/shop/other/.env", "V=other"}};
  Loaded loaded = load_files(files, request);
  CHECK(loaded.service("a").image == "other");
  CHECK(loaded.service("a").volumes.at(0).source == "/src/shop/other/d");
  CHECK(loaded.project->name == "other");
}

TEST_CASE("with --project-directory the search for files begins there, and so does that for .env") {
  LoadRequest request = in_shop();
  request.project_directory = "sub/deep";
  Files files = {{"/src/shop/compose.yaml", "services: {a: {image: cwd}}"},
                 {"/src/shop/sub/compose.yaml", "services: {a: {image: 'x${V-}'}}"},
                 {"/src/shop/.env", "V=cwd\nCOMPOSE_FILE=other.yaml"},
                 {"/src/shop/sub/deep/.env", "V=deep"}};
  Loaded loaded = load_files(files, request);
  CHECK(loaded.service("a").image == "xdeep");
  CHECK(loaded.project->working_dir == "/src/shop/sub/deep");
}

TEST_CASE("COMPOSE_DISABLE_ENV_FILE is a boolean") {
  Files files = {{"/src/shop/compose.yaml", "services: {a: {image: '${V:-none}'}}"}, {"/src/shop/.env", "V=read"}};
  LoadRequest request = in_shop();
  for (const char* off : {"1", "true"}) {
    request.environment = {{"COMPOSE_DISABLE_ENV_FILE", off}};
    CHECK(load_files(files, request).service("a").image == "none");
  }
  for (const char* on : {"", "0", "false"}) {
    request.environment = {{"COMPOSE_DISABLE_ENV_FILE", on}};
    CHECK(load_files(files, request).service("a").image == "read");
  }
}

TEST_CASE("COMPOSE_ENV_FILES names env files where --env-file does not") {
  Files files = {{"/src/shop/compose.yaml", "services: {a: {image: '$V'}}"},
                 {"/src/shop/.env", "V=default"},
                 {"/src/shop/one", "V=one"},
                 {"/src/shop/two", "V=two"}};
  LoadRequest request = in_shop();
  request.environment = {{"COMPOSE_ENV_FILES", "one,two"}};
  CHECK(load_files(files, request).service("a").image == "two");
  request.env_files = {"one"};
  CHECK(load_files(files, request).service("a").image == "one");
}

TEST_CASE("files on the web are refused by name") {
  LoadRequest request = in_shop();
  for (const char* name : {"oci://registry/app", "https://example.com/c.yaml", "git@example.com:x/y.git"}) {
    request.files = {name};
    Loaded loaded = load_files({}, request);
    CHECK_FALSE(loaded.project);
    CHECK(has(loaded.messages, std::string(name) + " is not a file"));
  }
}

TEST_CASE("the last name of several files counts, and sees only the user's own COMPOSE_PROJECT_NAME") {
  Files files = {{"/src/shop/compose.yaml", "name: first\nservices: {a: {image: '$COMPOSE_PROJECT_NAME'}}"},
                 {"/src/shop/compose.override.yaml", "name: ${COMPOSE_PROJECT_NAME:-none}-x\n---\nname: ''\n"}};
  Loaded loaded = load_files(files);
  CHECK(loaded.service("a").image == "none-x");
  CHECK(loaded.project->name == "none-x");
  files["/src/shop/.env"] = "COMPOSE_PROJECT_NAME=env";
  CHECK(load_files(files).project->name == "env");
}

TEST_CASE("a service extends what its own file has, not what an override makes of it") {
  Files files = {
      {"/src/shop/compose.yaml", "services: {base: {image: one, user: u}, web: {extends: base, hostname: h}}"},
      {"/src/shop/compose.override.yaml",
       "services: {base: {image: two}, web: {extends: {service: mine}}, mine: "
       "{image: x, domainname: d}}"}};
  Loaded loaded = load_files(files);
  CHECK(loaded.service("base").image == "two");
  CHECK(loaded.service("web").image == "x");  // of `mine`, laid over what the first file made
  CHECK(loaded.service("web").user == "u");
  CHECK(loaded.service("web").domainname == "d");
  files["/src/shop/compose.override.yaml"] = "services: {late: {extends: base}}";
  CHECK(has(load_files(files).messages, "\"late\" extends \"base\", which is not defined in this file"));
}

TEST_CASE("a base in another file is read with the variables of the project") {
  Files files = {
      {"/src/shop/compose.yaml", "services: {web: {extends: {file: base/b.yaml, service: b}, environment: [HOST]}}"},
      {"/src/shop/base/b.yaml", "services: {b: {image: '${V:-default}'}}"},
      {"/src/shop/base/.env", "V=not-read"}};
  CHECK(load_files(files).service("web").image == "default");
  files["/src/shop/.env"] = "V=project\nHOST=h";
  CHECK(load_files(files).service("web").image == "project");
  CHECK(value_of(load_files(files).service("web"), "HOST") == "h");
}

TEST_CASE("services may extend what an include brings") {
  Loaded loaded = load_files({{"/src/shop/compose.yaml", "include: [b.yaml]\nservices: {web: {extends: base}}"},
                              {"/src/shop/b.yaml", "services: {base: {image: x}}"}});
  CHECK(loaded.service("web").image == "x");
}

TEST_CASE("paths stay relative where that is asked for, and lead to the file that has them") {
  LoadRequest request = in_shop();
  request.resolve_paths = false;
  Loaded loaded = load_files(
      {{"/src/shop/compose.yaml",
        "include: [inc/i.yaml]\nservices: {web: {extends: {file: base/b.yaml, service: b}, "
        "volumes: ['./own:/own']}}"},
       {"/src/shop/base/b.yaml", "services: {b: {extends: {file: ../deep/c.yaml, service: c}, build: ./app}}"},
       {"/src/shop/deep/c.yaml", "services: {c: {volumes: ['./low:/low']}}"},
       {"/src/shop/inc/i.yaml", "services: {i: {image: x, volumes: ['./d:/d']}}"}},
      request);
  CHECK(loaded.service("web").build->context == "base/app");
  CHECK(loaded.service("web").volumes.at(0).source == "deep/low");
  CHECK(loaded.service("web").volumes.at(1).source == "./own");
  CHECK(loaded.service("i").volumes.at(0).source == "inc/d");
}

TEST_CASE("variables of an include's env file are seen only inside, the project's own come first") {
  Files files = {{"/src/shop/compose.yaml", "include: [sub/s.yaml]\nservices: {out: {image: '${V:-none}-${W:-none}'}}"},
                 {"/src/shop/sub/s.yaml", "services: {in: {image: '$V-$W', environment: [V, W, Z]}}"},
                 {"/src/shop/sub/.env", "V=sub\nW=sub"},
                 {"/src/shop/.env", "W=own"}};
  Loaded loaded = load_files(files);
  CHECK(loaded.service("in").image == "sub-own");
  CHECK(loaded.service("out").image == "none-own");
  CHECK(value_of(loaded.service("in"), "V") == "sub");
  CHECK(value_of(loaded.service("in"), "Z") == "(unset)");
}

TEST_CASE("a secret of an included file has the value that its variable has there, and config does not show it") {
  Loaded loaded =
      load_files({{"/src/shop/compose.yaml", "include: [sub/s.yaml]\nservices: {a: {image: x, secrets: [s]}}"},
                  {"/src/shop/sub/s.yaml", "secrets: {s: {environment: TOKEN}}"},
                  {"/src/shop/sub/.env", "TOKEN=hush"}});
  REQUIRE(loaded.project);
  CHECK(loaded.project->secrets.at("s").value == "hush");
  CHECK_FALSE(has(to_yaml(*loaded.project), "hush"));
}

TEST_CASE("what lies over an include: the including file, then later files, with !reset and !override") {
  Loaded loaded =
      load_files({{"/src/shop/compose.yaml", "include: [i.yaml]\nservices: {a: {user: u, ports: !override ['2:2']}}"},
                  {"/src/shop/compose.override.yaml", "services: {a: {hostname: !reset null, labels: {l: '2'}}}"},
                  {"/src/shop/i.yaml", "services: {a: {image: x, hostname: h, ports: ['1:1'], labels: {l: '1'}}}"}});
  const Service& service = loaded.service("a");
  CHECK(service.image == "x");
  CHECK(service.user == "u");
  CHECK_FALSE(service.hostname);
  REQUIRE(service.ports.size() == 1);
  CHECK(service.ports[0].published == "2");
  CHECK(service.labels == Pairs{{"l", "2"}});
}

TEST_CASE("two included files with the same name for different things are merged with a warning") {
  Loaded loaded = load_files({{"/src/shop/compose.yaml", "include: [a.yaml, b.yaml, c.yaml]\nservices: {}"},
                              {"/src/shop/a.yaml", "services: {s: {image: x}}"},
                              {"/src/shop/b.yaml", "services: {s: {image: x}}"},
                              {"/src/shop/c.yaml", "services: {s: {image: y, user: u}}"}});
  CHECK(loaded.service("s").image == "y");
  CHECK(has(loaded.messages, "c.yaml:1:12: warning: services.s comes from two included files"));
  CHECK_FALSE(has(loaded.messages, "b.yaml:1:12: warning"));
}

TEST_CASE("a mistake in a base of many services is reported once, with the way to it") {
  Loaded loaded = load_files({{"/src/shop/compose.yaml",
                               "services: {a: {extends: {file: b.yaml, service: x}}, "
                               "b: {extends: {file: b.yaml, service: x}}}"},
                              {"/src/shop/b.yaml", "services: {x: {image: i, init: maybe}}"}});
  CHECK_FALSE(loaded.project);
  size_t first = loaded.messages.find("b.yaml:1:32: error");
  REQUIRE(first != std::string::npos);
  CHECK(loaded.messages.find("b.yaml:1:32: error", first + 1) == std::string::npos);
  CHECK(has(loaded.messages, "compose.yaml:1:49: note: \"a\" extends \"x\" here"));
}

TEST_CASE("an attribute without effect is warned of once, whoever uses it") {
  Loaded loaded = load_text("services: {a: {image: x, cpu_count: 2}, b: {image: x, cpu_count: 2}}");
  size_t first = loaded.messages.find("cpu_count has no effect");
  REQUIRE(first != std::string::npos);
  CHECK(loaded.messages.find("cpu_count has no effect", first + 1) == std::string::npos);
}

TEST_CASE("links, shared namespaces and volumes_from are dependencies") {
  Loaded loaded = load_text(R"(services:
  l: {image: x, links: ["t:alias"]}
  n: {image: x, network_mode: "service:t"}
  i: {image: x, ipc: "service:t"}
  p: {image: x, pid: "service:t"}
  v: {image: x, volumes_from: ["t:ro", "container:outside"]}
  w: {image: x, links: [t], depends_on: {t: {condition: service_healthy}}}
  t: {image: x}
)");
  REQUIRE(loaded.project);
  StartGraph graph(*loaded.project);
  CHECK(graph.dependents("t") == Names{"i", "l", "n", "p", "v", "w"});
  for (const char* name : {"l", "n", "i", "p"}) CHECK(graph.dependencies(name).at("t").restart);
  CHECK_FALSE(graph.dependencies("v").at("t").restart);
  CHECK(graph.dependencies("w").at("t").condition == Condition::service_healthy);
  CHECK_FALSE(graph.dependencies("w").at("t").restart);
}

TEST_CASE("a dependency that no profile enables is an error unless it is not required") {
  std::string off =
      "services: {a: {image: x, depends_on: {b: {condition: service_started, required: REQUIRED}}}, "
      "b: {image: x, profiles: [p]}}";
  std::string optional = off, required = off;
  optional.replace(optional.find("REQUIRED"), 8, "false");
  required.replace(required.find("REQUIRED"), 8, "true");
  Loaded loaded = load_text(optional);
  REQUIRE(loaded.project);
  CHECK(StartGraph(*loaded.project).dependencies("a").empty());
  CHECK(has(load_text(required).messages, "enable it with --profile p"));
}

TEST_CASE("the default network is for services that say nothing about networks") {
  Loaded loaded = load_text(R"(services:
  none: {image: x, network_mode: none}
  other: {image: x, networks: [other]}
  empty: {image: x, networks: []}
networks: {other: }
)");
  CHECK(loaded.service("none").networks.empty());
  CHECK_FALSE(loaded.service("other").networks.contains("default"));
  CHECK(loaded.service("empty").networks.contains("default"));
  CHECK(loaded.project->networks.at("default").name == "shop_default");
  loaded = load_text("services: {other: {image: x, networks: [other]}}\nnetworks: {other: }");
  CHECK_FALSE(loaded.project->networks.contains("default"));
}

TEST_CASE("a dependency whose health check is turned off cannot become healthy") {
  std::string text =
      "services: {a: {image: x, depends_on: {b: {condition: service_healthy}}}, b: {image: x, healthcheck: CHECK}}";
  auto with = [&](const std::string& check) {
    std::string changed = text;
    return load_text(changed.replace(changed.find("CHECK"), 5, check)).messages;
  };
  CHECK(has(with("{disable: true}"), "which has its health check turned off"));
  CHECK(has(with("{test: [NONE]}"), "which has its health check turned off"));
  CHECK(with("{interval: 1s}").empty());
}

TEST_CASE("extensions are kept wherever keys are fixed, and are names where they are not") {
  Loaded loaded = load_text(R"(services:
  a:
    image: x
    x-a: 1
    environment: {x-b: "2"}
    healthcheck: {test: [CMD, y], x-c: [3]}
    ports: [{target: 80, x-d: {e: 4}}]
  x-service: {image: y}
)");
  CHECK(loaded.service("x-service").image == "y");
  std::string text = to_yaml(*loaded.project);
  for (const char* part : {"x-a: 1", "x-b: \"2\"", "x-c:\n        - 3", "x-d:\n          e: 4"}) {
    INFO(part);
    CHECK(has(text, part));
  }
}

TEST_CASE("a profile that no service has is warned of, with the nearest that there is") {
  Files files = {{"/src/shop/compose.yaml", "services: {a: {image: x}, b: {image: x, profiles: [debug]}}"}};
  LoadRequest request = in_shop();
  request.profiles = {"debgu", "else", "*", "debug"};
  Loaded loaded = load_files(files, request);
  CHECK(loaded.project);
  CHECK(loaded.messages ==
        "warning: no service has the profile \"debgu\" (did you mean \"debug\"?)\n"
        "warning: no service has the profile \"else\"\n");
  // A variable may be meant for other projects too, but a slip of the keys is not.
  files["/src/shop/.env"] = "COMPOSE_PROFILES=else,debgu\n";
  loaded = load_files(files);
  CHECK(has(loaded.messages, ".env:1:1: warning: no service has the profile \"debgu\""));
  CHECK_FALSE(has(loaded.messages, "\"else\""));
}

TEST_CASE("a model that is not defined is told with the nearest that is") {
  Loaded loaded = load_text("services: {a: {image: x, models: [smal]}}\nmodels: {small: {model: m}}\n");
  CHECK(has(loaded.messages, "uses model \"smal\", which is not defined"));
  CHECK(has(loaded.messages, "did you mean \"small\"?"));
}
