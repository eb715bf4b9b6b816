#include "compose/extends.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/text.h"
#include "compose/codecs.h"
#include "compose/passes.h"

namespace berth::compose {

struct Extends::Reference {
  std::string service;
  std::string file;  // "" = the same document
  SourceSpan span;
};

namespace {

constexpr size_t kMaxChain = 100;

struct WrittenReference {
  std::string service;
  std::string file;
};

constexpr Attr kExtendsRows[] = {
    attr<&WrittenReference::file, Text>("file"),
    attr<&WrittenReference::service, Text>("service"),
};

Member* member_of(Tree* map, const std::string& key) {
  if (map == nullptr) return nullptr;
  auto found = std::find_if(map->members.begin(), map->members.end(), [&](const Member& m) { return m.key == key; });
  return found == map->members.end() ? nullptr : &*found;
}

}  // namespace

const Table& extends_table() {
  static constexpr Table kTable{"extends section", kExtendsRows};
  return kTable;
}

void Extends::apply(Tree& document) {
  Unit unit;
  unit.file = file_;
  unit.services = document.find("services");
  unit.scope = scope_;
  if (unit.services == nullptr) return;
  for (Member& service : unit.services->members) resolve(unit, service);
}

void Extends::resolve(Unit& unit, Member& service) {
  if (!unit.done.insert(service.key).second) return;
  const Tree* extends = service.value.find("extends");
  if (extends == nullptr) return;
  // After a mistake the key stays: what the service lacks then is not a mistake of its own.
  Reference reference;
  if (!read_reference(service.key, *extends, reference)) return;
  Unit* from = reference.file.empty() ? &unit : unit_of(unit, reference);
  if (from == nullptr) return;
  chain_.push_back({&unit, service.key, reference.span});
  Member* base =
      is_cycle(*from, reference.service, reference.span) ? nullptr : base_of(*from, unit, service.key, reference);
  if (base != nullptr) {
    resolve(*from, *base);
    lay_over(*base, service, reference);
  }
  chain_.pop_back();
}

void Extends::lay_over(const Member& base, Member& service, const Reference& reference) {
  static const Path kServices{nullptr, "services"};
  Path path{&kServices, service.key};
  size_t nodes = count_nodes(base.value);
  if (nodes > budget_.nodes) {
    if (budget_.nodes > 0) {
      diagnostics_.error(reference.span, fmt::format("extended services add up to more than {} values", kMaxNodes));
    }
    budget_.nodes = 0;
    return;
  }
  budget_.nodes -= nodes;
  Tree merged = base.value;
  if (!merged.is_map()) return;  // reported where it stands
  service.value.erase("extends");
  settle(merged);
  came_by_way_of(merged, fmt::format("\"{}\" extends \"{}\" here", service.key, reference.service), reference.span);
  SourceSpan span = service.value.span;
  merge_object(merged, std::move(service.value), service_table(), path, diagnostics_);
  service.value = std::move(merged);
  service.value.span = std::move(span);
}

bool Extends::read_reference(const std::string& service, const Tree& extends, Reference& reference) {
  static const Path kServices{nullptr, "services"};
  Path service_path{&kServices, service};
  Path path{&service_path, "extends"};
  In in{extends, path, diagnostics_};
  reference.span = extends.span;
  if (extends.is_null()) return false;
  if (extends.is_string()) return reference.service = extends.text, true;
  if (!extends.is_map()) return in.wrong_kind("the name of a service or a map"), false;
  WrittenReference written;
  size_t errors = diagnostics_.error_count();
  decode_object(in, extends_table(), &written);
  if (diagnostics_.error_count() > errors) return false;
  if (written.service.empty()) return in.error("the service is missing"), false;
  reference.service = written.service;
  reference.file = written.file;
  reference.span = extends.find("service")->span;
  return true;
}

/// The other file, read and prepared once for all that extend from it.
Extends::Unit* Extends::unit_of(const Unit& from, const Reference& reference) {
  if (is_remote_file(reference.file)) {
    diagnostics_.unsupported(reference.span,
                             fmt::format("{} cannot be extended: files are read from this host only", reference.file));
    return nullptr;
  }
  std::string path = absolute_path(reference.file, from.scope.directory, scope_.environment);
  std::unique_ptr<Unit>& known = others_[path];
  if (known != nullptr) return known->services != nullptr ? known.get() : nullptr;
  known = std::make_unique<Unit>();
  Unit& unit = *known;
  unit.file = path;
  unit.scope = scope_;
  unit.scope.directory = parent_directory(path);
  // Where paths stay as written they lead on from the directory of the one that extends.
  bool absolute = scope_.base == scope_.directory;
  unit.scope.base = absolute ? unit.scope.directory
                             : absolute_path(parent_directory(reference.file),
                                             from.scope.base.empty() ? "." : from.scope.base, scope_.environment);
  static const Path kRoot;
  std::vector<Tree> documents = reader_.documents(path, {}, reference.span);
  if (documents.empty()) return nullptr;
  unit.document = Tree::map();
  for (Tree& document : documents) {
    prepare_(document, unit.scope);
    merge_object(unit.document, std::move(document), project_table(), kRoot, diagnostics_);
    settle(unit.document);
  }
  unit.services = unit.document.find("services");
  if (unit.services == nullptr) unit.services = &unit.document.set("services", Tree::map());
  return &unit;
}

Member* Extends::base_of(Unit& unit, const Unit& from, const std::string& service, const Reference& reference) {
  Member* base = member_of(unit.services, reference.service);
  if (base != nullptr) {
    bool shown = &unit == &from || base->value.is_map();  // of another file nobody else looks at it
    if (!shown) diagnostics_.error(base->key_span, fmt::format("service \"{}\" must be a map", base->key));
    return base;
  }
  std::vector<std::string> names;
  for (const Member& member : unit.services->members) names.push_back(member.key);
  std::optional<std::string> near = nearest(reference.service, names);
  std::string where =
      &unit == &from ? "which is not defined in this file" : fmt::format("which is not defined in {}", reference.file);
  diagnostics_.error(reference.span,
                     fmt::format("service \"{}\" extends \"{}\", {}", service, reference.service, where),
                     near ? fmt::format("did you mean \"{}\"?", *near) : std::string());
  return nullptr;
}

bool Extends::is_cycle(const Unit& unit, const std::string& service, const SourceSpan& span) {
  auto first = std::find_if(chain_.begin(), chain_.end(),
                            [&](const Step& step) { return step.unit == &unit && step.service == service; });
  if (first == chain_.end()) {
    if (chain_.size() <= kMaxChain) return false;
    diagnostics_.error(span, fmt::format("services extend each other over more than {} steps", kMaxChain));
    return true;
  }
  bool several = std::any_of(first, chain_.end(), [&](const Step& step) { return step.unit != &unit; });
  std::string path;
  for (auto step = first; step != chain_.end(); ++step) {
    path += (several ? step->span.file->name + ":" : std::string()) + step->service + " -> ";
  }
  path += (several ? first->span.file->name + ":" : std::string()) + service;
  diagnostics_.error(first->span, fmt::format("services extend each other: {}", path));
  for (auto step = first + 1; step != chain_.end(); ++step) {
    diagnostics_.note(step->span, fmt::format("\"{}\" extends the next one here", step->service));
  }
  return true;
}

}  // namespace berth::compose
