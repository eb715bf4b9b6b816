// `config --no-interpolate`: files merged and shown without their variables put in.

#include <algorithm>
#include <set>
#include <tuple>

#include "compose/attrs.h"
#include "compose/load.h"
#include "compose/passes.h"

namespace berth::compose {
namespace {

/// Values that cannot be judged: those that hold variables, and lists with such entries.
class Unknown {
 public:
  explicit Unknown(const Tree& tree) { collect(tree); }
  [[nodiscard]] bool at(const SourceSpan& span) const { return places_.contains(place(span)); }

 private:
  using Place = std::tuple<std::string, int, int, int>;
  static Place place(const SourceSpan& span) {
    return {span.file == nullptr ? std::string() : span.file->name, span.line, span.column, span.length};
  }

  void collect(const Tree& tree) {
    auto has_variable = [](const Tree& value) {
      return value.is_scalar() && value.text.find('$') != std::string::npos;
    };
    if (has_variable(tree) || std::any_of(tree.items.begin(), tree.items.end(), has_variable))
      places_.insert(place(tree.span));
    for (const Tree& item : tree.items) collect(item);
    for (const Member& member : tree.members) collect(member.value);
  }

  std::set<Place> places_;
};

/// Keys and values are checked as always, but for what is said of values that are not known yet. Rules between parts of
/// the project are left aside, as in Docker Compose: the file may be one of several.
void check_known(const Tree& model, Diagnostics& diagnostics) {
  static const Path kRoot;
  Diagnostics found;
  Project unused;
  decode_object({model, kRoot, found}, project_table(), &unused);
  Unknown unknown(model);
  for (const Diagnostic& one : found.all()) {
    if (unknown.at(one.span)) continue;
    if (one.severity == Severity::warning)
      diagnostics.warning(one.span, one.message, one.suggestion);
    else if (one.severity == Severity::error && one.ours)
      diagnostics.unsupported(one.span, one.message, one.suggestion);
    else if (one.severity == Severity::error)
      diagnostics.error(one.span, one.message, one.suggestion);
  }
}

bool is_empty(const Tree* tree) {
  return tree == nullptr || (tree->items.empty() && tree->members.empty() && tree->text.empty());
}

void sort_keys(Tree& tree) {
  std::sort(tree.members.begin(), tree.members.end(), [](const Member& a, const Member& b) { return a.key < b.key; });
  for (Member& member : tree.members) sort_keys(member.value);
  for (Tree& item : tree.items) sort_keys(item);
}

void fill_dockerfile(Tree* build) {
  if (build == nullptr || !build->is_map()) return;
  bool named = !is_empty(build->find("dockerfile")) || !is_empty(build->find("dockerfile_inline"));
  if (!named) build->set("dockerfile", Tree::string("Dockerfile"));
}

/// What normalize() does, for values that may still have variables in them: sorts the keys, and fills in the default
/// network and names.
void normalize_as_written(Tree& model, const std::string& project) {
  bool used = false;
  if (Tree* services = model.find("services")) {
    for (Member& service : services->members) {
      fill_dockerfile(service.value.find("build"));
      bool own = !is_empty(service.value.find("network_mode")) || !is_empty(service.value.find("provider"));
      if (own || !service.value.is_map()) continue;
      if (is_empty(service.value.find("networks"))) {
        service.value.set("networks", Tree::map()).set("default", Tree::null());
      }
      used = used || service.value.find("networks")->find("default") != nullptr;
    }
  }
  if (used && model.find("networks") == nullptr) model.set("networks", Tree::map());
  if (used && model.find("networks")->find("default") == nullptr) model.find("networks")->set("default", Tree::null());
  for (const char* kind : {"networks", "volumes", "secrets", "configs"}) {
    Tree* resources = model.find(kind);
    if (resources == nullptr) continue;
    for (Member& resource : resources->members) {
      if (resource.value.find("name") != nullptr) continue;
      bool external = !is_empty(resource.value.find("external"));
      resource.value.set("name", Tree::string(external ? resource.key : project + "_" + resource.key));
    }
  }
  sort_keys(model);
}

}  // namespace

std::optional<Tree> load_as_written(const LoadRequest& request, FileSource& files, Diagnostics& diagnostics) {
  LoadRequest as_written = request;
  as_written.interpolate = false;
  std::optional<Model> model = load_model(as_written, files, diagnostics);
  if (!model) return std::nullopt;
  check_known(model->tree, diagnostics);
  if (diagnostics.has_errors()) return std::nullopt;
  model->tree.set("name", Tree::string(model->name));
  if (request.normalize) normalize_as_written(model->tree, model->name);
  return std::move(model->tree);
}

}  // namespace berth::compose
