#include <catch2/catch.hpp>

#include "compose/emit.h"
#include "compose/load.h"

using namespace berth;
using namespace berth::compose;

namespace {

using Files = std::map<std::string, std::string>;

LoadRequest in_shop() {
  LoadRequest request;
  request.working_directory = "/src/shop";
  return request;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("without variables put in, what can be understood is in long form and the rest as written") {
  MemoryFiles files(Files{{"/src/shop/compose.yaml", R"(services:
  a:
    image: "x:${TAG:?}"
    ports: ["${P}:80", "81:81"]
    mem_limit: ${MEM}
    volumes: ["./d:/d"]
    depends_on: [b]
  b: {image: x, init: "${I}", build: .}
)"},
                          {"/src/shop/compose.override.yaml", "services: {a: {mem_limit: 1g, ports: ['82:82']}}"}});
  Diagnostics diagnostics;
  std::optional<Tree> model = load_as_written(in_shop(), files, diagnostics);
  INFO(diagnostics.render());
  REQUIRE(model);
  CHECK(yaml_text(*model) == R"(name: shop
networks:
  default:
    name: shop_default
services:
  a:
    depends_on:
      b:
        condition: service_started
        required: true
    image: x:${TAG:?}
    mem_limit: 1g
    networks:
      default: null
    ports:
      - ${P}:80
      - mode: ingress
        protocol: tcp
        published: "81"
        target: 81
      - mode: ingress
        protocol: tcp
        published: "82"
        target: 82
    volumes:
      - bind:
          create_host_path: true
        source: /src/shop/d
        target: /d
        type: bind
  b:
    build:
      context: /src/shop
      dockerfile: Dockerfile
    image: x
    init: ${I}
    networks:
      default: null
)");
}

TEST_CASE("without variables put in, keys and all values without a variable are checked") {
  auto messages = [](const std::string& service) {
    MemoryFiles files(Files{{"/src/shop/compose.yaml", "services:\n  a:\n" + service}});
    Diagnostics diagnostics;
    std::optional<Tree> model = load_as_written(in_shop(), files, diagnostics);
    CHECK(model.has_value() != diagnostics.has_errors());
    return diagnostics.render();
  };
  CHECK(has(messages("    imge: $IMAGE\n"), "compose.yaml:3:5: error: services.a: unknown key \"imge\""));
  std::string several = messages("    mem_limit: 12q\n    scale: ${N}\n    restart: sometimes\n    init: $I\n");
  CHECK(has(several, "\"12q\" is not a size"));
  CHECK(has(several, "\"sometimes\" is not one of"));
  CHECK_FALSE(has(several, "compose.yaml:4"));
  CHECK_FALSE(has(several, "compose.yaml:6"));
  CHECK(has(messages("    healthcheck: {interval: 30, timeout: $T, test: [\"$SHELL\", x]}\n"), "the unit is missing"));
  CHECK(messages("    healthcheck: {interval: $T, test: [\"$SHELL\", x]}\n").empty());
  CHECK(messages("    extra_hosts: [\"$HOST\", \"a:$A\"]\n    command: run $X\n    environment: [\"$E\", B=$B]\n")
            .empty());
  CHECK(messages("    depends_on: {b: {condition: $C}}\n    ports: [\"$P\"]\n    deploy: {replicas: $N}\n").empty());
  CHECK(has(messages("    cpu_count: 2\n"), "warning: services.a.cpu_count has no effect in this version"));
}

TEST_CASE("variables in the paths of include and extends are put in even where the others stay") {
  LoadRequest request = in_shop();
  request.interpolate = false;
  request.environment = {{"PART", "part"}};
  MemoryFiles files(Files{{"/src/shop/compose.yaml",
                           "include: ['${PART}/c.yaml']\n"
                           "services: {a: {extends: {file: '${DIR:-part}/c.yaml', service: '${BASE-b}'}}}\n"},
                          {"/src/shop/part/c.yaml", "services: {b: {image: 'x:${TAG}'}}"}});
  Diagnostics diagnostics;
  std::optional<Model> model = load_model(request, files, diagnostics);
  INFO(diagnostics.render());
  REQUIRE(model);
  CHECK_FALSE(diagnostics.has_errors());
  CHECK(model->tree.find("services")->find("a")->find("image")->text == "x:${TAG}");
  CHECK(model->tree.find("services")->find("b")->find("image")->text == "x:${TAG}");
  std::string references = json_text(model->references, false);
  for (const char* text : {"${PART}/c.yaml", "${DIR:-part}/c.yaml", "${BASE-b}"}) CHECK(has(references, text));
}

TEST_CASE("a variable that stands for a list joins the list of another file") {
  MemoryFiles files(Files{{"/src/shop/compose.yaml", "services: {a: {image: x, dns: [1.1.1.1], tmpfs: /a}}"},
                          {"/src/shop/compose.override.yaml", "services: {a: {dns: $DNS, tmpfs: '${T}'}}"}});
  Diagnostics diagnostics;
  std::optional<Tree> model = load_as_written(in_shop(), files, diagnostics);
  INFO(diagnostics.render());
  REQUIRE(model);
  CHECK(has(json_text(*model, false), R"("dns":["1.1.1.1","$DNS"])"));
  CHECK(has(json_text(*model, false), R"("tmpfs":["/a","${T}"])"));
}
