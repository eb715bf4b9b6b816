#include <algorithm>

#include "compose/attrs.h"
#include "compose/passes.h"
#include "compose/volume.h"

namespace berth::compose {
namespace {

struct Base {
  const std::string& directory;
  const Environment& environment;

  void resolve(Tree* value) const {
    if (value == nullptr || !value->is_string() || value->text.empty()) return;
    value->text = absolute_path(value->text, directory, environment);
  }
};

/// Contexts of a build may be somewhere else: a git repository, an image, another service.
bool is_remote(const std::string& text) {
  for (const char* prefix : {"https://", "http://", "git://", "ssh://", "github.com/", "git@"}) {
    if (text.starts_with(prefix)) return true;
  }
  return text.find("://") != std::string::npos || text.starts_with("service:");
}

void resolve_build(Tree* build, const Base& base) {
  if (build == nullptr) return;
  if (Tree* context = build->find("context"); context != nullptr && !is_remote(context->text)) base.resolve(context);
  if (Tree* contexts = build->find("additional_contexts")) {
    for (Member& member : contexts->members) {
      if (!is_remote(member.value.text)) base.resolve(&member.value);
    }
  }
  if (Tree* keys = build->find("ssh")) {
    for (Member& member : keys->members) base.resolve(&member.value);
  }
}

void resolve_each(Tree* list, std::string_view key, const Base& base) {
  if (list == nullptr) return;
  for (Tree& item : list->items) base.resolve(key.empty() ? &item : item.find(key));
}

void resolve_mounts(Tree* volumes, const Base& base) {
  if (volumes == nullptr) return;
  for (Tree& mount : volumes->items) {
    const Tree* type = mount.find("type");
    if (type != nullptr && type->text == "bind") base.resolve(mount.find("source"));
  }
}

/// "seccomp=profile.json": only the file behind the word is a path.
void resolve_security(Tree* options, const Base& base) {
  if (options == nullptr) return;
  for (Tree& option : options->items) {
    if (!option.text.starts_with("seccomp=") && !option.text.starts_with("seccomp:")) continue;
    std::string file = option.text.substr(8);
    if (file == "unconfined" || file.starts_with('{')) continue;
    option.text = option.text.substr(0, 8) + absolute_path(file, base.directory, base.environment);
  }
}

void resolve_service(Tree& service, const Base& base) {
  resolve_build(service.find("build"), base);
  resolve_each(service.find("env_file"), "path", base);
  resolve_each(service.find("label_file"), "", base);
  resolve_mounts(service.find("volumes"), base);
  resolve_security(service.find("security_opt"), base);
  if (Tree* develop = service.find("develop")) resolve_each(develop->find("watch"), "path", base);
}

/// `driver: local` with `o: bind` takes a directory of the host.
void resolve_volume(Tree& volume, const Base& base) {
  const Tree* driver = volume.find("driver");
  Tree* options = volume.find("driver_opts");
  if (driver == nullptr || driver->text != "local" || options == nullptr) return;
  const Tree* o = options->find("o");
  if (o != nullptr && o->text.find("bind") != std::string::npos) base.resolve(options->find("device"));
}

}  // namespace

std::string absolute_path(const std::string& path, const std::string& base, const Environment& environment) {
  if (path.starts_with('/')) return clean_path(path);
  if (path == "~" || path.starts_with("~/")) {
    auto home = environment.find("HOME");
    if (home != environment.end()) return clean_path(home->second + path.substr(1));
  }
  return clean_path(base + "/" + path);
}

std::string parent_directory(const std::string& path) {
  size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

bool is_remote_file(const std::string& name) {
  return name.find("://") != std::string::npos || name.starts_with("git@") || name.find(".git#") != std::string::npos;
}

std::string display_path(const std::string& path, const std::string& working_directory) {
  std::string prefix = working_directory.ends_with('/') ? working_directory : working_directory + "/";
  return path.starts_with(prefix) ? path.substr(prefix.size()) : path;
}

void resolve_tree_paths(Tree& document, const std::string& directory, const Environment& environment) {
  Base base{directory, environment};
  if (Tree* services = document.find("services")) {
    for (Member& member : services->members) resolve_service(member.value, base);
  }
  if (Tree* volumes = document.find("volumes")) {
    for (Member& member : volumes->members) resolve_volume(member.value, base);
  }
  for (const char* kind : {"configs", "secrets"}) {
    Tree* objects = document.find(kind);
    if (objects == nullptr) continue;
    for (Member& member : objects->members) base.resolve(member.value.find("file"));
  }
}

}  // namespace berth::compose
