#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "compose/load.h"

// Each directory below a folder of golden cases is a project: in.yaml, perhaps override.yaml, and the files that these
// name; dot.env stands for .env. UPDATE_GOLDEN=1 writes what is compared anew; read the diff.

namespace berth::compose::golden {

namespace fs = std::filesystem;

inline std::string slurp(const fs::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

inline MemoryFiles project_files(const fs::path& directory) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file()) continue;
    fs::path name = entry.path().lexically_relative(directory);
    if (name.filename() == "dot.env") name.replace_filename(".env");
    files[fs::path("/src") / name] = slurp(entry.path());
  }
  return MemoryFiles(files);
}

inline LoadRequest request_for(const fs::path& directory) {
  LoadRequest request;
  request.working_directory = "/src";
  request.environment = {{"HOME", "/srv/user"}, {"HOST_VALUE", "from host"}, {"TOKEN", "secret"}};
  request.files = {"in.yaml"};
  if (fs::exists(directory / "override.yaml")) request.files.push_back("override.yaml");
  return request;
}

inline void compare(const fs::path& golden, const std::string& text) {
  if (std::getenv("UPDATE_GOLDEN") != nullptr) {
    if (text.empty())
      fs::remove(golden);
    else
      std::ofstream(golden) << text;
  }
  INFO(golden.string());
  CHECK(text == (fs::exists(golden) ? slurp(golden) : std::string()));
}

inline std::vector<fs::path> cases(const fs::path& folder) {
  std::vector<fs::path> directories;
  for (const auto& entry : fs::directory_iterator(folder)) directories.push_back(entry.path());
  std::sort(directories.begin(), directories.end());
  return directories;
}

}  // namespace berth::compose::golden
