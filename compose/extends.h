#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "compose/reader.h"
#include "compose/scope.h"
#include "compose/tree.h"

namespace berth::compose {

/// What copies of bases may add up to in a run: a thousand services can extend one of a thousand values.
struct ExtendsBudget {
  size_t nodes = kMaxNodes;
};

/// Lays the services of a document over the ones they extend: of the same document, or of another file, which is read
/// with the variables of this one and with its relative paths below its own directory.
class Extends {
 public:
  /// What happens to a document of another file before services are taken from it.
  using Prepare = std::function<void(Tree& document, const Scope& scope)>;

  Extends(Reader& reader, const Scope& scope, std::string file, Prepare prepare, ExtendsBudget& budget,
          Diagnostics& diagnostics)
      : reader_(reader),
        scope_(scope),
        file_(std::move(file)),
        prepare_(std::move(prepare)),
        budget_(budget),
        diagnostics_(diagnostics) {}

  /// Afterwards no service of the document has `extends`. Mistakes are reported and left aside.
  void apply(Tree& document);

 private:
  /// A document services are taken from, and how far it is done.
  struct Unit {
    std::string file;
    Tree* services = nullptr;
    Scope scope;  // of its `extends.file`
    Tree document;
    std::set<std::string> done;
  };
  struct Step {
    const Unit* unit = nullptr;
    std::string service;
    SourceSpan span;  // of its `extends`
  };
  struct Reference;

  void resolve(Unit& unit, Member& service);
  void lay_over(const Member& base, Member& service, const Reference& reference);
  [[nodiscard]] bool read_reference(const std::string& service, const Tree& extends, Reference& reference);
  [[nodiscard]] Unit* unit_of(const Unit& from, const Reference& reference);
  [[nodiscard]] Member* base_of(Unit& unit, const Unit& from, const std::string& service, const Reference& reference);
  [[nodiscard]] bool is_cycle(const Unit& unit, const std::string& service, const SourceSpan& span);

  Reader& reader_;
  const Scope& scope_;
  std::string file_;
  Prepare prepare_;
  ExtendsBudget& budget_;
  Diagnostics& diagnostics_;
  std::map<std::string, std::unique_ptr<Unit>> others_;  // by path
  std::vector<Step> chain_;
};

}  // namespace berth::compose
