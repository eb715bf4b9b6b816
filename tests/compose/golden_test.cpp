#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "compose/emit.h"
#include "compose/load.h"

using namespace berth;
using namespace berth::compose;
namespace fs = std::filesystem;

// Each directory below cases/ is a project: in.yaml, perhaps override.yaml, and the files that these name; dot.env
// stands for .env. out.yaml is what `config` shows; errors.txt is what the user reads. UPDATE_GOLDEN=1 writes both
// anew; read the diff.

namespace {

const fs::path kCases = "tests/compose/cases";

std::string slurp(const fs::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

MemoryFiles project_files(const fs::path& directory) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file()) continue;
    fs::path name = entry.path().lexically_relative(directory);
    if (name.filename() == "dot.env") name.replace_filename(".env");
    files[fs::path("/src") / name] = slurp(entry.path());
  }
  return MemoryFiles(files);
}

LoadRequest request_for(const fs::path& directory) {
  LoadRequest request;
  request.working_directory = "/src";
  request.environment = {{"HOME", "/srv/user"}, {"HOST_VALUE", "from host"}, {"TOKEN", "secret"}};
  request.files = {"in.yaml"};
  if (fs::exists(directory / "override.yaml")) request.files.push_back("override.yaml");
  return request;
}

void compare(const fs::path& golden, const std::string& text) {
  if (std::getenv("UPDATE_GOLDEN") != nullptr) {
    if (text.empty())
      fs::remove(golden);
    else
      std::ofstream(golden) << text;
  }
  INFO(golden.string());
  CHECK(text == (fs::exists(golden) ? slurp(golden) : std::string()));
}

std::vector<fs::path> cases() {
  std::vector<fs::path> directories;
  for (const auto& entry : fs::directory_iterator(kCases)) directories.push_back(entry.path());
  std::sort(directories.begin(), directories.end());
  return directories;
}

}  // namespace

TEST_CASE("each case gives the project and the messages that are written beside it") {
  std::vector<fs::path> directories = cases();
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
  for (const fs::path& directory : cases()) {
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
