#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/diagnostics.h"

namespace berth::compose {

struct Member;

/// A YAML value whose every node knows where it was written. The passes before binding work on Trees; `emit` builds
/// them again for output. A scalar keeps its text as YAML gave it; `kind` is what go-yaml would make of it.
struct Tree {
  enum class Kind : uint8_t { null, boolean, integer, real, string, list, map };
  /// What the `!reset` and `!override` tags of a later file ask of the merge.
  enum class Directive : uint8_t { none, reset, replace };

  Kind kind = Kind::null;
  Directive directive = Directive::none;
  uint8_t earlier_values = 0;   // how many are to be found through `overrode`
  std::string text;             // scalars: canonical for boolean ("true") and integer (decimal), as written otherwise
  std::vector<Tree> items;      // lists
  std::vector<Member> members;  // maps, in the order written; keys are unique
  SourceSpan span;
  /// The value that this one took the place of: of an earlier file, of an extended service, of a `<<`. For those who
  /// tell where a value came from.
  std::shared_ptr<const Tree> overrode;

  [[nodiscard]] bool is_null() const { return kind == Kind::null; }
  [[nodiscard]] bool is_list() const { return kind == Kind::list; }
  [[nodiscard]] bool is_map() const { return kind == Kind::map; }
  [[nodiscard]] bool is_string() const { return kind == Kind::string; }
  [[nodiscard]] bool is_scalar() const { return kind != Kind::list && kind != Kind::map; }

  /// The value of a key of this map, or nullptr where there is none (also when this is no map).
  [[nodiscard]] Tree* find(std::string_view key);
  [[nodiscard]] const Tree* find(std::string_view key) const;

  /// Sets a key of this map, in its old place if it is there, else at the end. Turns null into a map.
  Tree& set(std::string_view key, Tree value);
  void erase(std::string_view key);

  static Tree null(SourceSpan span = {});
  static Tree string(std::string text, SourceSpan span = {});
  static Tree boolean(bool value, SourceSpan span = {});
  static Tree integer(int64_t value, SourceSpan span = {});
  static Tree real(double value, SourceSpan span = {});
  static Tree list(SourceSpan span = {});
  static Tree map(SourceSpan span = {});

  /// Same kinds, texts and children in the same order; places do not count.
  [[nodiscard]] bool same_value(const Tree& other) const;
};

/// One entry of a map. A struct of its own because a key has a place too.
struct Member {
  std::string key;
  SourceSpan key_span;
  Tree value;
};

/// Puts a value in the place of another, which it remembers. Of a long row of them only the last are kept.
void take_place(Tree& place, Tree later);

/// Marks everything of this tree as come to its place by one more step: "extended here".
void came_by_way_of(Tree& tree, const std::string& how, const SourceSpan& at);

/// All values of the tree, itself included.
[[nodiscard]] size_t count_nodes(const Tree& tree);

/// Where the keys of a map stand, for those who ask for many of them. Holds as long as no member comes or goes but
/// through add().
class KeyIndex {
 public:
  explicit KeyIndex(const Tree& map);
  /// The place among the members, or nothing.
  [[nodiscard]] std::optional<size_t> find(std::string_view key) const;
  /// The key stands at the end of the members now.
  void add(std::string_view key) { places_.emplace(std::string(key), places_.size()); }

 private:
  std::unordered_map<std::string, size_t> places_;
};

/// "a map", "a list", "a string", ...: the kind as messages say it.
[[nodiscard]] std::string_view kind_name(Tree::Kind kind);

/// "1.5", "2", "0.1": the shortest decimal text that reads back as the same number.
[[nodiscard]] std::string number_text(double value);

}  // namespace berth::compose
