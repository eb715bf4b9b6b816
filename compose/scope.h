#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/diagnostics.h"
#include "compose/files.h"
#include "compose/interpolate.h"
#include "compose/tree.h"

namespace berth::compose {

using Environment = std::map<std::string, std::string>;

/// What the values of one model see: an included model has a scope of its own.
struct Scope {
  std::string directory;  // of the model's project, absolute
  std::string base;       // what relative paths in the model hang below: the directory; where paths are to stay
                          // relative, the way to it; "" = they stay as they are
  Environment environment;
  std::map<std::string, SourceSpan> places;  // of the variables that a file set
};

[[nodiscard]] Lookup lookup_in(const Environment& environment);

/// Reads files of variables (.env and its like) for a scope.
class VariableFiles {
 public:
  VariableFiles(FileSource& files, std::string working_directory, Diagnostics& diagnostics)
      : files_(files), working_directory_(std::move(working_directory)), diagnostics_(diagnostics) {}

  /// Of several files a later one wins over an earlier one, but what the scope has already wins over all of them.
  /// A file that cannot be read is an error, at the place that asked for it.
  void read_all(const std::vector<std::string>& paths, Scope& scope, const SourceSpan& asked_at = {});

  /// Absolute, in the order read.
  [[nodiscard]] const std::vector<std::string>& read() const { return read_; }

 private:
  void read_one(const std::string& path, const Scope& outer, Scope& values, const SourceSpan& asked_at);

  FileSource& files_;
  std::string working_directory_;
  Diagnostics& diagnostics_;
  std::vector<std::string> read_;
};

/// What is said of a variable that has no value and no default.
[[nodiscard]] std::string unset_variable_message(std::string_view name);

/// Interpolates every string value (never a key) below `tree`. One warning for each name that is not set, at its first
/// place; `warned` remembers them over several trees. A value that was made of variables knows where these were set.
void interpolate_tree(Tree& tree, const Scope& scope, std::set<std::string>& warned, Diagnostics& diagnostics);

}  // namespace berth::compose
