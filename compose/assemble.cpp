#include "compose/assemble.h"

#include <fmt/core.h>

#include "compose/attrs.h"
#include "compose/extends.h"
#include "compose/passes.h"

namespace berth::compose {
namespace {

constexpr size_t kMaxServices = 20'000;

void take_out_version(Tree& document, Diagnostics& diagnostics) {
  if (const Tree* version = document.find("version")) {
    diagnostics.warning(version->span, "`version` is obsolete and has no meaning");
    document.erase("version");
  }
}

/// `external: {name: x}` of old files is `external: true` with `name: x`.
void modernise_external(Tree& document, Diagnostics& diagnostics) {
  for (const char* kind : {"networks", "volumes", "secrets", "configs"}) {
    Tree* objects = document.find(kind);
    if (objects == nullptr) continue;
    for (Member& member : objects->members) {
      Tree* external = member.value.find("external");
      if (external == nullptr || !external->is_map()) continue;
      SourceSpan span = external->span;
      Tree name = external->find("name") != nullptr ? *external->find("name") : Tree::null();
      const Tree* old = member.value.find("name");
      if (old != nullptr && old->text != name.text) {
        diagnostics.error(span, fmt::format("{}.{}: name and external.name differ", kind, member.key));
      }
      diagnostics.warning(
          span, fmt::format("{}.{}: external.name is obsolete, write `external: true` and `name`", kind, member.key));
      *external = Tree::boolean(true, span);
      if (!name.is_null()) member.value.set("name", std::move(name));
    }
  }
}

/// A build without a context has the directory of its project.
void fill_build_context(Tree& service, const Scope& scope) {
  Tree* build = service.find("build");
  if (build == nullptr || !build->is_map()) return;
  const Tree* context = build->find("context");
  if (context != nullptr && !context->is_null()) return;
  build->set("context", Tree::string(scope.base.empty() ? "." : scope.base, build->span));
}

/// Where a secret is found in the container unless somebody says otherwise. Of a config only the runtime knows.
void fill_secret_targets(Tree& service) {
  Tree* secrets = service.find("secrets");
  if (secrets == nullptr) return;
  for (Tree& secret : secrets->items) {
    const Tree* source = secret.find("source");
    if (source == nullptr || secret.find("target") != nullptr) continue;
    Tree target = Tree::string("/run/secrets/" + source->text, source->span);
    secret.set("target", std::move(target));
  }
}

/// A request for devices that says neither how many nor which is for all.
void fill_device_counts(Tree* requests) {
  if (requests == nullptr) return;
  for (Tree& request : requests->items) {
    if (!request.is_map() || request.find("count") != nullptr || request.find("device_ids") != nullptr) continue;
    request.set("count", Tree::integer(-1, request.span));
  }
}

Tree* find_below(Tree& tree, std::initializer_list<std::string_view> keys) {
  Tree* found = &tree;
  for (std::string_view key : keys) {
    found = found->find(key);
    if (found == nullptr) return nullptr;
  }
  return found;
}

/// A variable of a service, or of a hook, without a value takes that of its own model, not of one that includes it.
void fill_variables(Tree& owner, const Scope& scope) {
  Tree* environment = owner.find("environment");
  if (environment == nullptr) return;
  for (Member& member : environment->members) {
    if (!member.value.is_null()) continue;
    auto found = scope.environment.find(member.key);
    if (found != scope.environment.end()) member.value = Tree::string(found->second, member.value.span);
  }
}

}  // namespace

Tree Assembly::assemble(std::vector<Tree> documents, const Scope& scope, const std::string& main_file) {
  static const Path kRoot;
  including_.push_back(main_file);
  Tree model = Tree::map();
  if (!documents.empty()) model.span = documents.front().span;
  for (Tree& document : documents) {
    prepare(document, scope);
    // From here on there are no variables, each attribute has one form, paths are absolute.
    follow_includes(document, scope);
    auto prepare_base = [&](Tree& base, const Scope& where) { prepare(base, where); };
    Extends(reader_, scope, main_file, prepare_base, budget_, diagnostics_).apply(document);
    merge_object(model, std::move(document), project_table(), kRoot, diagnostics_);
    settle(model, removed_);
  }
  drop_repetitions(model, project_table());
  finish(model, scope);
  including_.pop_back();
  return model;
}

/// Everything that happens to one document before it meets the others.
void Assembly::prepare(Tree& document, const Scope& scope) {
  static const Path kRoot;
  if (request_.interpolate)
    interpolate_tree(document, scope, warned_, diagnostics_);
  else
    interpolate_references(document, scope);
  take_out_version(document, diagnostics_);
  object_to_long_form(document, project_table(), kRoot, long_form_, diagnostics_);
  modernise_external(document, diagnostics_);
  if (!scope.base.empty()) resolve_tree_paths(document, scope.base, scope.environment);
}

/// The files and services that are referred to have to be found, whatever becomes of other variables.
void Assembly::interpolate_references(Tree& document, const Scope& scope) {
  auto put_in = [&](Tree* reference) {
    if (reference == nullptr) return;
    references_.items.push_back(*reference);
    interpolate_tree(*reference, scope, warned_, diagnostics_);
  };
  put_in(document.find("include"));
  Tree* services = document.find("services");
  if (services == nullptr) return;
  for (Member& service : services->members) put_in(service.value.find("extends"));
}

void Assembly::finish(Tree& model, const Scope& scope) const {
  Tree* services = model.find("services");
  if (services == nullptr) return;
  if (services->members.size() > kMaxServices) {
    diagnostics_.error(services->span, fmt::format("there are more than {} services", kMaxServices));
    services->members.clear();
  }
  for (Member& service : services->members) {
    fill_build_context(service.value, scope);
    fill_secret_targets(service.value);
    fill_device_counts(service.value.find("gpus"));
    fill_device_counts(find_below(service.value, {"deploy", "resources", "reservations", "devices"}));
    if (!request_.resolve_environment) continue;
    fill_variables(service.value, scope);
    for (std::string_view hooks : {"pre_start", "post_start", "pre_stop"}) {
      Tree* list = service.value.find(hooks);
      if (list == nullptr) continue;
      for (Tree& hook : list->items) fill_variables(hook, scope);
    }
  }
}

}  // namespace berth::compose
