#include "compose/tree_builder.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/text.h"
#include "compose/scalar.h"

namespace berth::compose {
namespace {

constexpr std::string_view kMergeKey = "<<";
constexpr size_t kIndexFrom = 16;  // maps with fewer keys are searched one by one

size_t height_of(const Tree& tree) {
  size_t height = 0;
  for (const Tree& item : tree.items) height = std::max(height, height_of(item));
  for (const Member& member : tree.members) height = std::max(height, height_of(member.value));
  return height + 1;
}

Tree::Directive directive_of(std::string_view tag) {
  if (tag == "!reset") return Tree::Directive::reset;
  if (tag == "!override") return Tree::Directive::replace;
  return Tree::Directive::none;
}

}  // namespace

void TreeBuilder::stop(const SourceSpan& span, std::string message, std::string suggestion) {
  diagnostics_.error(span, std::move(message), std::move(suggestion));
  throw StopParsing{};
}

void TreeBuilder::stop_depth(const SourceSpan& span) {
  stop(span, fmt::format("nested more than {} levels deep", kMaxDepth));
}

bool TreeBuilder::expects_key() const {
  return !stack_.empty() && stack_.back().tree.is_map() && !stack_.back().key.has_value();
}

void TreeBuilder::count(size_t nodes, const SourceSpan& span) {
  budget_.nodes += nodes;
  if (budget_.nodes > kMaxNodes) stop(span, fmt::format("the files have more than {} values", kMaxNodes));
}

void TreeBuilder::scalar(SourceSpan span, std::string text, std::string_view tag, const std::string& anchor,
                         bool plain) {
  Tree tree;
  tree.span = std::move(span);
  tree.directive = directive_of(tag);
  bool as_text = tag == "!" || tag == "tag:yaml.org,2002:str";
  bool typed = tag.starts_with("tag:yaml.org,2002:") && !as_text;  // `!!int "3"`
  bool is_plain = (plain || typed) && !as_text;
  if (is_plain)
    resolve_plain(tree, text);
  else
    tree.kind = Tree::Kind::string;
  if (expects_key()) return take_key(tree, std::move(text), plain);
  if (!is_plain) tree.text = std::move(text);
  finish(std::move(tree), anchor);
}

void TreeBuilder::alias(const SourceSpan& span, const std::string& anchor) {
  auto found = anchors_.find(anchor);
  if (found == anchors_.end()) {
    bool open = std::any_of(stack_.begin(), stack_.end(), [&](const Frame& frame) { return frame.anchor == anchor; });
    if (open) stop(span, "an alias inside of what it stands for");
    std::vector<std::string> known;
    for (const auto& [name, unused] : anchors_) known.push_back(name);
    std::optional<std::string> near = nearest(anchor, known);
    stop(span, fmt::format("no anchor \"&{}\" stands before this alias", anchor),
         near ? fmt::format("did you mean \"*{}\"?", *near) : std::string());
  }
  if (expects_key()) stop(span, "an alias cannot be a key");
  const Anchored& anchored = found->second;
  budget_.alias_nodes += anchored.nodes;
  if (budget_.alias_nodes > kMaxAliasNodes) stop(span, "the aliases of this file expand to too much");
  count(anchored.nodes, span);
  if (stack_.size() + anchored.height > kMaxDepth) stop_depth(span);
  Tree copy = anchored.tree;
  came_by_way_of(copy, fmt::format("used here by the alias \"*{}\"", anchor), span);
  finish(std::move(copy), {});
}

void TreeBuilder::begin(Tree container, std::string_view tag, std::string anchor) {
  if (expects_key()) stop(container.span, fmt::format("a key is a string, not {}", kind_name(container.kind)));
  if (stack_.size() >= kMaxDepth) stop_depth(container.span);
  container.directive = directive_of(tag);
  Frame& frame = stack_.emplace_back();
  frame.tree = std::move(container);
  frame.anchor = std::move(anchor);
}

void TreeBuilder::end() {
  add_merged();
  Tree tree = std::move(stack_.back().tree);
  std::string anchor = std::move(stack_.back().anchor);
  stack_.pop_back();
  finish(std::move(tree), anchor);
}

const Member* TreeBuilder::member_of(const Frame& frame, const std::string& key) {
  const std::vector<Member>& members = frame.tree.members;
  if (members.size() <= kIndexFrom) {
    auto found = std::find_if(members.begin(), members.end(), [&](const Member& member) { return member.key == key; });
    return found == members.end() ? nullptr : &*found;
  }
  auto found = frame.index.find(key);
  return found == frame.index.end() ? nullptr : &members[found->second];
}

void TreeBuilder::add_member(Frame& frame, Member member) {
  std::vector<Member>& members = frame.tree.members;
  constexpr size_t kUsual = 8;  // a member is large, so a vector should not grow from one
  if (members.empty()) members.reserve(kUsual);
  members.push_back(std::move(member));
  if (members.size() <= kIndexFrom) return;
  size_t first = members.size() == kIndexFrom + 1 ? 0 : members.size() - 1;
  for (size_t i = first; i < members.size(); ++i) frame.index.emplace(members[i].key, i);
}

void TreeBuilder::take_key(const Tree& tree, std::string text, bool plain) {
  Frame& frame = stack_.back();
  if (!tree.is_string()) {
    diagnostics_.error(tree.span, fmt::format("the key {} is {}, keys are strings", text, kind_name(tree.kind)),
                       fmt::format("write \"{}\"", text));
  }
  bool merge = plain && text == kMergeKey;
  const Member* known = merge ? nullptr : member_of(frame, text);
  if (known != nullptr) {
    diagnostics_.error(tree.span,
                       fmt::format("the key \"{}\" is already there in line {}", text, known->key_span.line));
  }
  frame.key = Key{std::move(text), tree.span, merge, known != nullptr};
}

/// A value is complete: it goes into the container around it.
void TreeBuilder::finish(Tree tree, const std::string& anchor) {
  count(1, tree.span);
  if (!anchor.empty()) {
    size_t nodes = count_nodes(tree);
    count(nodes, tree.span);
    anchors_[anchor] = {tree, nodes, height_of(tree)};
  }
  if (stack_.empty()) {
    documents_.push_back(std::move(tree));
    return;
  }
  Frame& frame = stack_.back();
  if (frame.tree.is_list()) {
    frame.tree.items.push_back(std::move(tree));
    return;
  }
  Key key = std::move(*frame.key);
  frame.key.reset();
  if (key.merge) return remember_merge(frame, std::move(tree));
  if (key.repeated) return;
  add_member(frame, {std::move(key.text), std::move(key.span), std::move(tree)});
}

void TreeBuilder::remember_merge(Frame& frame, Tree tree) {
  if (tree.is_null()) return;
  std::vector<Tree> sources;
  if (tree.is_list())
    sources = std::move(tree.items);
  else
    sources.push_back(std::move(tree));
  for (Tree& source : sources) {
    if (!source.is_map()) {
      diagnostics_.error(source.span, fmt::format("\"<<\" merges maps, this is {}", kind_name(source.kind)));
      continue;
    }
    for (Member& member : source.members) frame.merged.push_back(std::move(member));
  }
}

/// What `<<` brought in stands behind the map's own keys; the first to name a key wins.
void TreeBuilder::add_merged() {
  Frame& frame = stack_.back();
  for (Member& member : frame.merged) {
    const Member* own = member_of(frame, member.key);
    if (own == nullptr) {
      add_member(frame, std::move(member));
      continue;
    }
    Tree& value = frame.tree.members[static_cast<size_t>(own - frame.tree.members.data())].value;
    if (value.overrode != nullptr) continue;  // by an earlier `<<`, which won over this one
    Tree merged = std::move(member.value);
    take_place(merged, std::move(value));
    value = std::move(merged);
  }
}

}  // namespace berth::compose
