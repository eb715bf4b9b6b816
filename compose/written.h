#pragma once

#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "base/diagnostics.h"
#include "compose/tree.h"

namespace berth::compose {

/// A scalar as its file has it: before variables, short forms and merging.
struct WrittenScalar {
  std::string path;  // services.web.ports[0], in this file
  std::string key;   // of the map it stands in; of a list, of the map around the list
  Tree value;
  std::string raw;  // as it stands there, quotes included; of a block only its first line
  bool quoted = false;
  bool in_list = false;
};

/// What the compose files of a model say by themselves. Their texts are those that `sources` remembers; which of these
/// are compose files is seen from the places in the model.
class Written {
 public:
  Written(const Tree& model, const Diagnostics& sources);

  /// The scalar that stands at a place, or nullptr: a value may have no place, or be made of several.
  [[nodiscard]] const WrittenScalar* at(const SourceSpan& span) const;
  /// All of them, file by file, as they stand.
  [[nodiscard]] const std::vector<WrittenScalar>& scalars() const { return scalars_; }
  [[nodiscard]] bool is_compose_file(const std::string& name) const { return files_.contains(name); }

 private:
  void read(const std::string& name, const std::string& text);
  void collect(const Tree& tree, const std::string& path, const std::string& key, bool in_list,
               const std::vector<std::string>& lines);

  std::map<std::string, bool> files_;
  std::vector<WrittenScalar> scalars_;
  std::map<std::tuple<std::string, int, int>, size_t> places_;
};

}  // namespace berth::compose
