#include "compose/emit.h"

#include <algorithm>
#include <set>

#include "compose/attrs.h"
#include "compose/select.h"

namespace berth::compose {
namespace {

// The order of Docker Compose's output; below these, keys are sorted.
constexpr std::string_view kTopLevel[] = {"name", "services", "networks", "volumes", "secrets", "configs", "models"};

void double_dollars(Tree& tree) {
  if (tree.is_string() && tree.text.find('$') != std::string::npos) {
    std::string text;
    for (char c : tree.text) text.append(c == '$' ? 2 : 1, c);
    tree.text = std::move(text);
  }
  for (Tree& item : tree.items) double_dollars(item);
  for (Member& member : tree.members) double_dollars(member.value);
}

void keep_only(Tree& project, std::string_view kind, const std::vector<std::string>& used) {
  Tree* resources = project.find(kind);
  if (resources == nullptr) return;
  std::erase_if(resources->members,
                [&](const Member& member) { return !std::binary_search(used.begin(), used.end(), member.key); });
  if (resources->members.empty()) project.erase(kind);
}

Tree ordered(Tree project) {
  Tree result = Tree::map();
  for (std::string_view key : kTopLevel) {
    Tree* value = project.find(key);
    if (value == nullptr) continue;
    result.set(key, std::move(*value));
    project.erase(key);
  }
  for (Member& rest : project.members) result.members.push_back(std::move(rest));
  return result;
}

std::vector<std::string> distinct(const std::set<std::string>& names) {
  return {names.begin(), names.end()};
}

void add_missing(Tree& map, std::initializer_list<std::string_view> keys, const Tree& value) {
  for (std::string_view key : keys) {
    if (map.find(key) == nullptr) map.set(key, value);
  }
  auto by_key = [](const Member& a, const Member& b) { return a.key < b.key; };
  std::stable_sort(map.members.begin(), map.members.end(), by_key);
}

template <class Object>
std::string object_json(const Object& object, const Table& table, std::initializer_list<std::string_view> without) {
  Tree tree = Tree::map();
  encode_object(&object, table, tree);
  for (std::string_view key : without) tree.erase(key);
  std::erase_if(tree.members, [](const Member& member) { return member.key.starts_with("x-"); });
  return json_text(tree, false);
}

}  // namespace

Tree to_tree(const Project& project, const EmitOptions& options) {
  Tree tree = Tree::map();
  encode_object(&project, project_table(), tree);
  if (!options.all_resources) {
    UsedResources used = used_resources(project, service_names(project));
    keep_only(tree, "networks", used.networks);
    keep_only(tree, "volumes", used.volumes);
    keep_only(tree, "secrets", used.secrets);
    keep_only(tree, "configs", used.configs);
  }
  if (tree.find("services") == nullptr) tree.set("services", Tree::map());
  if (options.escape_dollar) double_dollars(tree);
  return ordered(std::move(tree));
}

std::string to_yaml(const Project& project, const EmitOptions& options) {
  return yaml_text(to_tree(project, options));
}

std::string to_json(const Project& project, const EmitOptions& options) {
  Tree tree = to_tree(project, options);
  // What Docker Compose's JSON has always, and its YAML has not.
  if (Tree* networks = tree.find("networks")) {
    for (Member& network : networks->members) add_missing(network.value, {"ipam"}, Tree::map());
  }
  for (Member& service : tree.find("services")->members) {
    add_missing(service.value, {"command", "entrypoint"}, Tree::null());
    if (Tree* deploy = service.value.find("deploy")) add_missing(*deploy, {"placement", "resources"}, Tree::map());
  }
  return json_text(tree, true) + "\n";
}

std::string service_json(const Service& service) {
  Service hashed = service;
  if (hashed.deploy) hashed.deploy->replicas.reset();
  return object_json(hashed, service_table(), {"build", "pull_policy", "scale", "depends_on", "profiles"});
}
std::string network_json(const Network& network) {
  return object_json(network, network_table(), {});
}
std::string volume_json(const Volume& volume) {
  return object_json(volume, volume_table(), {});
}

std::vector<std::string> service_names(const Project& project) {
  std::vector<std::string> names;
  for (const auto& [name, unused] : project.services) names.push_back(name);
  return names;
}

std::vector<std::string> volume_names(const Project& project) {
  return used_resources(project, service_names(project)).volumes;
}

std::vector<std::string> network_names(const Project& project) {
  return used_resources(project, service_names(project)).networks;
}

std::vector<std::string> image_names(const Project& project) {
  std::set<std::string> images;
  for (const auto& [name, service] : project.services) {
    if (service.image)
      images.insert(*service.image);
    else if (service.build)
      images.insert(project.name + "-" + name);
  }
  return distinct(images);
}

std::vector<std::string> model_names(const Project& project) {
  std::vector<std::string> names;
  for (const Member& model : project.models.members) names.push_back(model.key);
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> profile_names(const Project& project) {
  std::set<std::string> profiles;
  for (const auto* services : {&project.services, &project.disabled_services}) {
    for (const auto& [name, service] : *services) profiles.insert(service.profiles.begin(), service.profiles.end());
  }
  return distinct(profiles);
}

}  // namespace berth::compose
