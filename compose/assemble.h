#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "compose/attrs.h"
#include "compose/extends.h"
#include "compose/load.h"
#include "compose/reader.h"
#include "compose/scope.h"
#include "compose/tree.h"

namespace berth::compose {

struct IncludeEntry;

/// Makes one tree of the documents of a model: puts in variables, brings attributes into their long form, makes host
/// paths absolute, follows `include` and `extends`, merges. For each included model it does so again, in a scope of its
/// own.
class Assembly {
 public:
  Assembly(const LoadRequest& request, FileSource& files, Reader& reader, Diagnostics& diagnostics)
      : request_(request), files_(files), reader_(reader), diagnostics_(diagnostics) {
    long_form_.as_written = !request.interpolate;
  }

  /// `main_file` is the first file of the model: one that includes itself is found by it.
  [[nodiscard]] Tree assemble(std::vector<Tree> documents, const Scope& scope, const std::string& main_file);

  /// Values of variables that secrets and configs of included models name and that only these models see:
  /// {"secrets.db" -> {variable, value}}.
  using IncludedValues = std::map<std::string, std::pair<std::string, std::string>>;
  [[nodiscard]] const IncludedValues& included_values() const { return included_values_; }
  /// What `include` and `extends` say where variables are not put in but there: a list.
  [[nodiscard]] const Tree& references() const { return references_; }
  /// What `!reset` took away.
  [[nodiscard]] const Removed& removed() const { return removed_; }

 private:
  void prepare(Tree& document, const Scope& scope);
  void interpolate_references(Tree& document, const Scope& scope);
  void finish(Tree& model, const Scope& scope) const;
  void follow_includes(Tree& document, const Scope& scope);
  [[nodiscard]] Tree include_one(const IncludeEntry& entry, const Scope& scope);
  [[nodiscard]] std::vector<std::string> paths_of(const IncludeEntry& entry, const Scope& scope);
  [[nodiscard]] bool may_include(const std::string& main_file, const SourceSpan& span);
  [[nodiscard]] Scope scope_of(const IncludeEntry& entry, const std::string& main_file, const Scope& outer);
  void keep_values(const Tree& model, const Scope& inner, const Scope& outer);

  const LoadRequest& request_;
  FileSource& files_;
  Reader& reader_;
  Diagnostics& diagnostics_;
  std::set<std::string> warned_;
  LongFormRun long_form_;
  ExtendsBudget budget_;
  std::vector<std::string> including_;  // main files of the models being made, outermost first
  size_t included_models_ = 0;
  IncludedValues included_values_;
  Tree references_ = Tree::list();
  Removed removed_;
};

}  // namespace berth::compose
