#include <fmt/core.h>

#include <cerrno>
#include <unordered_map>

#include "compose/dotenv.h"
#include "compose/passes.h"

namespace berth::compose {
namespace {

/// Variables (or labels) in the order of their first place, found by name.
class Folded {
 public:
  void put(const std::string& name, std::optional<std::string> value) {
    auto [place, is_new] = places_.emplace(name, entries_.size());
    if (is_new)
      entries_.emplace_back(name, std::move(value));
    else
      entries_[place->second].second = std::move(value);
  }
  [[nodiscard]] std::optional<std::string> find(std::string_view name) const {
    auto place = places_.find(std::string(name));
    return place == places_.end() ? std::nullopt : entries_[place->second].second;
  }
  Env take() { return std::move(entries_); }

 private:
  Env entries_;
  std::unordered_map<std::string, size_t> places_;
};

class Folder {
 public:
  Folder(Project& project, FileSource& files, const std::string& working_directory, Diagnostics& diagnostics)
      : project_(project), files_(files), working_directory_(working_directory), diagnostics_(diagnostics) {}

  void fold_environment(Service& service) {
    Folded own, folded;
    for (const auto& [name, value] : service.environment) own.put(name, value);
    Lookup lookup = [&](std::string_view name) -> std::optional<std::string> {
      if (std::optional<std::string> value = lookup_in(project_.environment)(name)) return value;
      if (std::optional<std::string> value = own.find(name)) return value;
      return folded.find(name);
    };
    for (const EnvFile& file : service.env_file) read(service, "env_file", file, lookup, folded);
    // What is written wins over the files, and a bare name without a value takes theirs away too.
    for (auto& [name, value] : service.environment) folded.put(name, std::move(value));
    service.environment = folded.take();
    service.env_file.clear();
  }

  void fold_labels(Service& service) {
    Folded folded;
    Lookup lookup = [&](std::string_view name) { return folded.find(name); };  // no environment, as in Docker Compose
    for (const std::string& path : service.label_file) {
      EnvFile file;
      file.path = path;
      file.span = service.place("label_file");
      read(service, "label_file", file, lookup, folded);
    }
    for (auto& [name, value] : service.labels) folded.put(name, std::move(value));
    service.labels.clear();
    for (auto& [name, value] : folded.take()) service.labels.emplace_back(name, value.value_or(""));
    service.label_file.clear();
  }

 private:
  void read(const Service& service, const char* attribute, const EnvFile& file, const Lookup& lookup, Folded& folded) {
    Result<std::string> text = files_.read(file.path);
    if (!text.ok() && text.error().code == ENOENT && !file.required) return;
    if (!text.ok()) {
      bool may_miss = text.error().code == ENOENT && std::string_view(attribute) == "env_file";
      diagnostics_.error(file.span, fmt::format("services.{}.{}: {}", service.name, attribute, text.error().message()),
                         may_miss ? "required: false allows it to be missing" : "");
      return;
    }
    std::shared_ptr<const SourceFile> name = source_file(display_path(file.path, working_directory_));
    std::vector<std::string> unset;
    DotenvError error;
    Result<Variables> variables =
        file.raw ? parse_raw_env(*text, lookup, &error) : parse_dotenv(*text, lookup, unset, &error);
    diagnostics_.remember_source(name->name, *text);
    if (!variables.ok()) return diagnostics_.error({name, error.line, 1, 0}, error.message);
    for (const std::string& key : unset) {
      diagnostics_.warning({name, 0, 0, 0}, unset_variable_message(key));
    }
    for (Variable& variable : *variables) folded.put(variable.name, std::move(variable.value));
  }

  Project& project_;
  FileSource& files_;
  const std::string& working_directory_;
  Diagnostics& diagnostics_;
};

}  // namespace

void fold_files(Project& project, const std::vector<std::string>& services, FileSource& files,
                const std::string& working_directory, Diagnostics& diagnostics) {
  Folder folder(project, files, working_directory, diagnostics);
  for (const std::string& name : services) {
    auto service = project.services.find(name);
    if (service == project.services.end()) continue;
    if (!service->second.env_file.empty()) folder.fold_environment(service->second);
    if (!service->second.label_file.empty()) folder.fold_labels(service->second);
  }
}

}  // namespace berth::compose
