#include <algorithm>

#include "compose/emit.h"

namespace berth::compose {
namespace {

void sort_keys(Tree& tree) {
  std::sort(tree.members.begin(), tree.members.end(), [](const Member& a, const Member& b) { return a.key < b.key; });
  for (Member& member : tree.members) sort_keys(member.value);
  for (Tree& item : tree.items) sort_keys(item);
}

/// `networks: [a]` is `networks: {a: }`.
bool uses_default(const Tree& networks) {
  bool listed = std::any_of(networks.items.begin(), networks.items.end(),
                            [](const Tree& network) { return network.text == "default"; });
  return listed || networks.find("default") != nullptr;
}

void require_dependencies(Tree& service) {
  Tree* dependencies = service.find("depends_on");
  if (dependencies == nullptr) return;
  for (Member& member : dependencies->members) {
    if (member.value.is_map() && member.value.find("required") == nullptr)
      member.value.set("required", Tree::boolean(true));
  }
}

/// Returns whether the service is on the default network.
bool fill_service(Tree& service) {
  require_dependencies(service);
  Tree* build = service.find("build");
  if (build != nullptr && build->is_map() && build->find("dockerfile") == nullptr &&
      build->find("dockerfile_inline") == nullptr) {
    build->set("dockerfile", Tree::string("Dockerfile"));
  }
  if (service.find("network_mode") != nullptr || service.find("provider") != nullptr) return false;
  Tree* networks = service.find("networks");
  if (networks != nullptr && (!networks->items.empty() || !networks->members.empty())) return uses_default(*networks);
  Tree attached = Tree::map();
  attached.set("default", Tree::null());
  service.set("networks", std::move(attached));
  return true;
}

void fill_names(Tree& tree, const std::string& project) {
  for (const char* kind : {"networks", "volumes", "secrets", "configs"}) {
    Tree* objects = tree.find(kind);
    if (objects == nullptr) continue;
    for (Member& object : objects->members) {
      if (!object.value.is_map() && !object.value.is_null()) continue;
      if (object.value.find("name") != nullptr) continue;
      const Tree* external = object.value.find("external");
      bool ours = external == nullptr || external->text != "true";
      object.value.set("name", Tree::string(ours ? project + "_" + object.key : object.key));
    }
  }
}

}  // namespace

Tree model_tree(const Model& model, bool names) {
  Tree tree = model.tree;
  if (names) {
    tree.set("name", Tree::string(model.name));
    bool default_used = false;
    if (Tree* services = tree.find("services")) {
      for (Member& service : services->members) default_used = fill_service(service.value) || default_used;
    }
    if (default_used) {
      if (tree.find("networks") == nullptr) tree.set("networks", Tree::map());
      Tree* networks = tree.find("networks");
      if (networks->find("default") == nullptr) networks->set("default", Tree::null());
    }
    fill_names(tree, model.name);
  }
  sort_keys(tree);
  return tree;
}

}  // namespace berth::compose
