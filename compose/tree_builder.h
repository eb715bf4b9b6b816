#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "compose/parse.h"
#include "compose/tree.h"

namespace berth::compose {

/// Thrown by TreeBuilder to end the parsing; caught in parse_yaml, which is its only user.
struct StopParsing {};

/// Makes Trees of what a parser reports (a scalar, the start of a list, ...): a stack of the containers that are still
/// open, and each finished value hangs itself into the top one. An anchored value is kept a second time under its name,
/// and an alias copies it: a Tree has one owner, so there are no cycles. What aliases make is counted, because ten
/// lines of YAML can ask for a billion nodes.
class TreeBuilder {
 public:
  TreeBuilder(ParseBudget& budget, Diagnostics& diagnostics) : budget_(budget), diagnostics_(diagnostics) {}

  void start_document() { anchors_.clear(); }
  /// `text` is the scalar's own, `tag` and `anchor` may be empty; `plain` = without quotes and not a block.
  void scalar(SourceSpan span, std::string text, std::string_view tag, const std::string& anchor, bool plain);
  void alias(const SourceSpan& span, const std::string& anchor);
  /// An empty list or map that what follows goes into, up to end().
  void begin(Tree container, std::string_view tag, std::string anchor);
  void end();

  [[nodiscard]] std::vector<Tree> take() { return std::move(documents_); }

 private:
  struct Key {
    std::string text;
    SourceSpan span;
    bool merge = false;
    bool repeated = false;  // reported already: the value is dropped, so that keys stay unique
  };
  struct Frame {
    Tree tree;
    std::string anchor;
    std::optional<Key> key;                         // maps: the key whose value comes next
    std::vector<Member> merged;                     // values of `<<`
    std::unordered_map<std::string, size_t> index;  // large maps: where a key stands
  };
  struct Anchored {
    Tree tree;
    size_t nodes = 0;
    size_t height = 0;
  };

  [[noreturn]] void stop(const SourceSpan& span, std::string message, std::string suggestion = {});
  [[noreturn]] void stop_depth(const SourceSpan& span);
  [[nodiscard]] bool expects_key() const;
  void count(size_t nodes, const SourceSpan& span);
  void take_key(const Tree& tree, std::string text, bool plain);
  void finish(Tree tree, const std::string& anchor);
  void add_member(Frame& frame, Member member);
  [[nodiscard]] static const Member* member_of(const Frame& frame, const std::string& key);
  void remember_merge(Frame& frame, Tree tree);
  void add_merged();

  ParseBudget& budget_;
  Diagnostics& diagnostics_;
  std::vector<Frame> stack_;
  std::unordered_map<std::string, Anchored> anchors_;
  std::vector<Tree> documents_;
};

}  // namespace berth::compose
