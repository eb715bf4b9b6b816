#include <fmt/core.h>

#include <algorithm>
#include <cerrno>

#include "compose/passes.h"

namespace berth::compose {
namespace {

void put(Env& variables, const std::string& name, std::optional<std::string> value) {
  auto known = std::find_if(variables.begin(), variables.end(), [&](const auto& pair) { return pair.first == name; });
  if (known == variables.end())
    variables.emplace_back(name, std::move(value));
  else
    known->second = std::move(value);
}

class Folder {
 public:
  Folder(Project& project, FileSource& files, const std::string& working_directory, Diagnostics& diagnostics)
      : project_(project), files_(files), working_directory_(working_directory), diagnostics_(diagnostics) {}

  void fold(Service& service) {
    Env folded;
    for (const EnvFile& file : service.env_file) read(service, file, folded);
    // What is written wins over the files, and a bare name without a value takes theirs away too.
    for (auto& [name, value] : service.environment) put(folded, name, std::move(value));
    service.environment = std::move(folded);
    service.env_file.clear();
  }

 private:
  void read(const Service& service, const EnvFile& file, Env& folded) {
    Result<std::string> text = files_.read(file.path);
    if (!text.ok() && text.error().code == ENOENT && !file.required) return;
    std::string shown = display_path(file.path, working_directory_);
    if (!text.ok()) {
      diagnostics_.error(file.span, fmt::format("services.{}.env_file: {}", service.name, text.error().message()),
                         text.error().code == ENOENT ? "required: false allows it to be missing" : "");
      return;
    }
    auto name = std::make_shared<const std::string>(shown);
    Lookup lookup = [&](std::string_view key) { return look_up(service, folded, key); };
    std::vector<std::string> unset;
    DotenvError error;
    Result<Variables> variables =
        file.raw ? parse_raw_env(*text, lookup, &error) : parse_dotenv(*text, lookup, unset, &error);
    diagnostics_.remember_source(name, *text);
    if (!variables.ok()) return diagnostics_.error({name, error.line, 1, 0}, error.message);
    for (const std::string& key : unset) {
      diagnostics_.warning({name, 0, 0, 0}, fmt::format("the variable \"{}\" is not set, a blank string is used", key));
    }
    for (auto& [key, value] : *variables) put(folded, key, std::move(value));
  }

  std::optional<std::string> look_up(const Service& service, const Env& folded, std::string_view key) const {
    auto own = project_.environment.find(std::string(key));
    if (own != project_.environment.end()) return own->second;
    for (const Env* variables : {&service.environment, &folded}) {
      for (const auto& [name, value] : *variables) {
        if (name == key && value) return value;
      }
    }
    return std::nullopt;
  }

  Project& project_;
  FileSource& files_;
  const std::string& working_directory_;
  Diagnostics& diagnostics_;
};

}  // namespace

void fold_env_files(Project& project, const std::vector<std::string>& services, FileSource& files,
                    const std::string& working_directory, Diagnostics& diagnostics) {
  Folder folder(project, files, working_directory, diagnostics);
  for (const std::string& name : services) {
    auto service = project.services.find(name);
    if (service != project.services.end() && !service->second.env_file.empty()) folder.fold(service->second);
  }
}

}  // namespace berth::compose
