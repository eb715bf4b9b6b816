#include "compose/explain.h"

#include <fmt/core.h>

#include "base/text.h"
#include "compose/emit.h"
#include "compose/interpolate.h"
#include "golden_case.h"

using namespace berth;
using namespace berth::compose;
using namespace berth::compose::golden;

// explain.txt is what `config --explain` says of each path in `paths`.

namespace {

struct Loaded {
  Diagnostics diagnostics;
  std::optional<Model> model;
  std::optional<Project> project;
};

void load_case(const fs::path& directory, Loaded& loaded) {
  MemoryFiles files = project_files(directory);
  LoadRequest request = request_for(directory);
  loaded.model = load_model(request, files, loaded.diagnostics);
  REQUIRE(loaded.model);
  loaded.project = bind_model(*loaded.model, request, files, loaded.diagnostics);
  INFO(loaded.diagnostics.render());
  REQUIRE(loaded.project);
}

}  // namespace

TEST_CASE("a value is explained by where it came from, by which way, and what it overrode") {
  for (const fs::path& directory : cases("tests/compose/explain")) {
    Loaded loaded;
    load_case(directory, loaded);
    std::string text;
    for (const std::string& path : split(slurp(directory / "paths"), '\n')) {
      if (path.empty()) continue;
      text += fmt::format("$ {}\n", path);
      auto found = explain(*loaded.model, *loaded.project, loaded.diagnostics, path);
      text += found.ok() ? explanation_text(*found)
                         : fmt::format("error: {} ({})\n", found.error().message(), found.error().hint);
    }
    compare(directory / "explain.txt", text);
  }
}

TEST_CASE("an explanation as data has the same in it") {
  Loaded loaded;
  load_case("tests/compose/explain/all_ways", loaded);
  auto found = explain(*loaded.model, *loaded.project, loaded.diagnostics, "services.web.image");
  REQUIRE(found.ok());
  compare("tests/compose/explain/all_ways/image.json", explanation_json(*found));
}

TEST_CASE("of a long row of overrides only some are kept") {
  std::string text;
  for (int i = 0; i < 120; ++i) text += fmt::format("---\nservices: {{web: {{image: \"a:{}\"}}}}\n", i);
  MemoryFiles files(std::map<std::string, std::string>{{"/src/in.yaml", text}});
  LoadRequest request;
  request.working_directory = "/src";
  request.files = {"in.yaml"};
  Diagnostics diagnostics;
  std::optional<Model> model = load_model(request, files, diagnostics);
  REQUIRE(model);
  const Tree* image = model->tree.find("services")->find("web")->find("image");
  CHECK(image->text == "a:119");
  REQUIRE(image->overrode != nullptr);
  CHECK(image->overrode->text == "a:118");
  size_t kept = 0;
  for (const Tree* earlier = image->overrode.get(); earlier != nullptr; earlier = earlier->overrode.get()) ++kept;
  CHECK(kept <= 50);
}

TEST_CASE("the variables of a text are found with what is said of them") {
  std::vector<VariableUse> found = variables_in("a$A ${B:-x${C-}} ${D:?need} ${E+alt} $$F ${ bad} $1");
  REQUIRE(found.size() == 5);
  CHECK((found[0].name == "A" && !found[0].braced && !found[0].default_value));
  CHECK((found[1].name == "B" && found[1].braced && found[1].default_value == "x${C-}"));
  CHECK((found[2].name == "C" && found[2].default_value == ""));
  CHECK((found[3].name == "D" && found[3].required));
  CHECK((found[4].name == "E" && found[4].presence_value == "alt"));
}
