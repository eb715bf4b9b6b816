#include <catch2/catch.hpp>

#include "compose/emit.h"
#include "golden_case.h"

using namespace berth;
using namespace berth::compose;
using namespace berth::compose::golden;

// out.yaml is what `config` shows; errors.txt is what the user reads.

namespace {

const fs::path kCases = "tests/compose/cases";

}  // namespace

TEST_CASE("each case gives the project and the messages that are written beside it") {
  std::vector<fs::path> directories = cases(kCases);
  REQUIRE(!directories.empty());
  for (const fs::path& directory : directories) {
    MemoryFiles files = project_files(directory);
    Diagnostics diagnostics;
    if (!directory.filename().string().starts_with("error_")) diagnostics.tolerate_unsupported();
    std::optional<Project> project = load(request_for(directory), files, diagnostics);
    compare(directory / "errors.txt", diagnostics.render());
    compare(directory / "out.yaml", project ? to_yaml(*project) : std::string());
    CHECK(project.has_value() != diagnostics.has_errors());
  }
}

TEST_CASE("what config shows is read back as the same, as YAML and as JSON") {
  for (const fs::path& directory : cases(kCases)) {
    INFO(directory.string());
    MemoryFiles files = project_files(directory);
    Diagnostics diagnostics;
    diagnostics.tolerate_unsupported();
    std::optional<Project> project = load(request_for(directory), files, diagnostics);
    if (!project) continue;
    std::string first = to_yaml(*project);
    for (const std::string& text : {first, to_json(*project)}) {
      MemoryFiles again(std::map<std::string, std::string>{{"/src/in.yaml", text}});
      LoadRequest request = request_for(directory);
      request.files = {"in.yaml"};
      Diagnostics quiet;
      quiet.tolerate_unsupported();
      std::optional<Project> reread = load(request, again, quiet);
      INFO(quiet.render());
      REQUIRE(reread);
      CHECK(to_yaml(*reread) == first);
    }
  }
}
