#include "cli/config_lists.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <map>

#include "base/text.h"
#include "cli/project.h"
#include "cli/table.h"
#include "compose/emit.h"
#include "compose/interpolate.h"
#include "compose/provider.h"
#include "compose/select.h"
#include "engine/lower.h"
#include "engine/plan_up.h"
#include "images/digest.h"
#include "images/reference.h"
#include "images/store.h"

namespace berth::cli {
namespace {

using Variables = std::map<std::string, compose::VariableUse>;

void collect(const compose::Tree& tree, Variables& variables) {
  for (compose::VariableUse& use : compose::variables_in(tree.is_string() ? tree.text : std::string())) {
    compose::VariableUse& known = variables[use.name];
    // A name may stand in many places: what any of them says of it counts.
    known.required = known.required || use.required;
    if (!known.default_value || known.default_value->empty()) known.default_value = use.default_value;
    if (!known.presence_value) known.presence_value = use.presence_value;
  }
  for (const compose::Tree& item : tree.items) collect(item, variables);
  for (const compose::Member& member : tree.members) collect(member.value, variables);
}

std::string as_text(const compose::Tree& tree, const std::string& format) {
  return format == "json" ? compose::json_text(tree, true) + "\n" : compose::yaml_text(tree);
}

}  // namespace

Result<std::string> hash_lines(const Context& context, const compose::Project& project, const std::string& which) {
  std::vector<std::string> names;
  for (const std::string& part : split(which, ',')) {
    if (which != "*" && !trim(part).empty()) names.emplace_back(trim(part));
  }
  BERTH_TRY(std::vector<std::string> wanted, compose::select_services(project, names, compose::Follow::none));
  BERTH_TRY(std::vector<std::string> all, compose::select_services(project, {}, compose::Follow::none));
  Diagnostics diagnostics;
  engine::Stack stack = engine::lower(project, all, diagnostics);
  if (diagnostics.has_errors()) {
    fmt::print(stderr, "{}", diagnostics.render(context.colour(STDERR_FILENO)));
    return make_error("a project that cannot run has no hashes");
  }
  std::map<std::string, std::string> hashes;
  for (const engine::ServiceConfig& service : stack.services) hashes[service.name] = engine::config_hash(service);
  for (const auto& [name, service] : project.services) {
    if (compose::has_provider(service)) hashes[name] = images::sha256_of(compose::service_json(service)).hex();
  }
  std::string lines;
  std::sort(wanted.begin(), wanted.end());
  for (const std::string& name : wanted) lines += fmt::format("{} {}\n", name, hashes[name]);
  return lines;
}

std::string environment_lines(const compose::Project& project) {
  std::string lines;
  for (const auto& [name, value] : project.environment) lines += fmt::format("{}={}\n", name, value);
  return lines;
}

std::string variable_list(const compose::Model& model, const std::string& format) {
  Variables variables;
  collect(model.tree, variables);
  collect(model.references, variables);
  std::vector<std::vector<std::string>> rows;
  compose::Tree tree = compose::Tree::map();
  for (const auto& [name, use] : variables) {
    std::string fallback = use.default_value.value_or("");
    std::string alternate = use.presence_value.value_or("");
    rows.push_back({name, use.required ? "true" : "false", fallback, alternate});
    compose::Tree& variable = tree.set(name, compose::Tree::map());
    // The names that Docker Compose's data has.
    variable.set("Name", compose::Tree::string(name));
    variable.set("DefaultValue", compose::Tree::string(fallback));
    variable.set("PresenceValue", compose::Tree::string(alternate));
    variable.set("Required", compose::Tree::boolean(use.required));
  }
  if (!format.empty()) return as_text(tree, format);
  return render_table({"NAME", "REQUIRED", "DEFAULT VALUE", "ALTERNATE VALUE"}, rows);
}

Status pin_images(const Context& context, compose::Project& project) {
  BERTH_TRY(images::Store store, images::Store::open(context.paths));
  for (auto& [name, service] : project.services) {
    if (!service.image) continue;
    BERTH_TRY(images::Reference reference, images::parse_reference(*service.image));
    if (reference.digest) continue;
    BERTH_TRY(images::Image image, store.resolve(*service.image).context("the image of service \"{}\"", name));
    BERTH_TRY(std::optional<images::Origin> origin, store.origin(reference));
    reference.digest = origin ? origin->digest : image.manifest;  // what a registry has, where one was asked
    service.image = reference.str();
  }
  return {};
}

std::string image_lock(const compose::Project& project, const std::string& format) {
  compose::Tree services = compose::Tree::map();
  for (const auto& [name, service] : project.services) {
    if (!service.image) continue;
    services.set(name, compose::Tree::map()).set("image", compose::Tree::string(*service.image));
  }
  compose::Tree tree = compose::Tree::map();
  tree.set("services", std::move(services));
  return as_text(tree, format);
}

}  // namespace berth::cli
