#include "compose/parse.h"

#include <fmt/core.h>
#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <optional>
#include <sstream>
#include <unordered_map>

#include "compose/scalar.h"

namespace berth::compose {
namespace {

// How this works. yaml-cpp reports events (scalar, start of a list, ...) with line and column; TreeBuilder keeps a
// stack of the containers that are still open and hangs each finished value into the top one. An anchored value is kept
// a second time under its number, and an alias copies it: a Tree has one owner, so there are no cycles. What aliases
// make is counted, because ten lines of YAML can ask for a billion nodes.

constexpr std::string_view kMergeKey = "<<";

/// Thrown through yaml-cpp to stop it; caught in parse_yaml, which is the only user.
struct Stop {};

struct Key {
  std::string text;
  SourceSpan span;
  bool merge = false;
  bool repeated = false;  // reported already: the value is dropped, so that keys stay unique
};

struct Frame {
  Tree tree;
  YAML::anchor_t anchor = 0;
  std::optional<Key> key;                         // maps: the key whose value comes next
  std::vector<Member> merged;                     // values of `<<`
  std::unordered_map<std::string, int> key_line;  // maps
};

struct Anchored {
  Tree tree;
  size_t nodes = 0;
  size_t height = 0;
};

size_t count_nodes(const Tree& tree) {
  size_t count = 1;
  for (const Tree& item : tree.items) count += count_nodes(item);
  for (const Member& member : tree.members) count += count_nodes(member.value);
  return count;
}

size_t height_of(const Tree& tree) {
  size_t height = 0;
  for (const Tree& item : tree.items) height = std::max(height, height_of(item));
  for (const Member& member : tree.members) height = std::max(height, height_of(member.value));
  return height + 1;
}

class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(std::shared_ptr<const std::string> file, const std::string& text, Diagnostics& diagnostics)
      : file_(std::move(file)), text_(text), diagnostics_(diagnostics) {}

  std::vector<Tree> take() { return std::move(documents_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    // yaml-cpp 0.7 finds documents without end at a character that begins nothing (", x").
    if (mark.pos == last_document_) stop(span_at(mark, 1), "YAML syntax: nothing can begin with this");
    last_document_ = mark.pos;
    anchors_.clear();
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { finish(Tree::null(span_at(mark, 0)), anchor); }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    auto found = anchors_.find(anchor);
    if (found == anchors_.end()) stop(span_at(mark, word_length(mark)), "an alias inside of what it stands for");
    count(found->second.nodes);
    alias_nodes_ += found->second.nodes;
    if (alias_nodes_ > kMaxAliasNodes)
      stop(span_at(mark, word_length(mark)), "the aliases of this file expand to too much");
    if (stack_.size() + found->second.height > kMaxDepth) stop_depth(span_at(mark, word_length(mark)));
    if (expects_key()) stop(span_at(mark, word_length(mark)), "an alias cannot be a key");
    finish(found->second.tree, 0);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    Tree tree;
    tree.span = span_at(mark, scalar_length(mark, value));
    bool quoted = tag == "!" || tag == "tag:yaml.org,2002:str";
    if (quoted) {
      tree.kind = Tree::Kind::string;
      tree.text = value;
    } else {
      resolve_plain(tree, value);
    }
    tree.directive = directive_of(tag);
    if (expects_key()) return take_key(tree, value, quoted);
    finish(std::move(tree), anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(Tree::list(span_at(mark, 0)), tag, anchor);
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(Tree::map(span_at(mark, 0)), tag, anchor);
  }
  void OnMapEnd() override {
    add_merged();
    close();
  }

 private:
  [[noreturn]] void stop(SourceSpan span, std::string message, std::string suggestion = {}) {
    diagnostics_.error(std::move(span), std::move(message), std::move(suggestion));
    throw Stop{};
  }
  [[noreturn]] void stop_depth(SourceSpan span) {
    stop(std::move(span), fmt::format("nested more than {} levels deep", kMaxDepth));
  }

  SourceSpan span_at(const YAML::Mark& mark, int length) const {
    return {file_, mark.line + 1, mark.column + 1, length};
  }

  /// How much of its first line a scalar takes in the text, for the caret.
  int scalar_length(const YAML::Mark& mark, const std::string& value) const {
    auto begin = static_cast<size_t>(mark.pos);
    if (begin >= text_.size()) return 0;
    char first = text_[begin];
    if (first == '&' || first == '!' || first == '|' || first == '>') return word_length(mark);
    size_t line_end = std::min(text_.find('\n', begin), text_.size());
    if (first != '"' && first != '\'') return static_cast<int>(std::min(value.size(), line_end - begin));
    for (size_t i = begin + 1; i < line_end; ++i) {
      if (text_[i] == '\\' && first == '"')
        ++i;
      else if (text_[i] == first)
        return static_cast<int>(i + 1 - begin);
    }
    return static_cast<int>(line_end - begin);
  }

  int word_length(const YAML::Mark& mark) const {
    auto begin = std::min(static_cast<size_t>(mark.pos), text_.size());
    return static_cast<int>(std::min(text_.find_first_of(" \t\r\n,]}", begin), text_.size()) - begin);
  }

  static Tree::Directive directive_of(const std::string& tag) {
    if (tag == "!reset") return Tree::Directive::reset;
    if (tag == "!override") return Tree::Directive::replace;
    return Tree::Directive::none;
  }

  [[nodiscard]] bool expects_key() const {
    return !stack_.empty() && stack_.back().tree.is_map() && !stack_.back().key.has_value();
  }

  void count(size_t nodes) {
    nodes_ += nodes;
    if (nodes_ > kMaxNodes) stop({file_, 0, 0, 0}, fmt::format("the file has more than {} values", kMaxNodes));
  }

  void take_key(const Tree& tree, const std::string& value, bool quoted) {
    Frame& frame = stack_.back();
    if (!tree.is_string() && tree.kind != Tree::Kind::null) {
      diagnostics_.error(tree.span, fmt::format("the key {} is {}, keys are strings", value, kind_name(tree.kind)),
                         fmt::format("write \"{}\"", value));
    }
    bool merge = !quoted && value == kMergeKey;
    auto [known, is_new] = frame.key_line.emplace(value, tree.span.line);
    if (!is_new && !merge) {
      diagnostics_.error(tree.span, fmt::format("the key \"{}\" is already there in line {}", value, known->second));
    }
    frame.key = Key{value, tree.span, merge, !is_new && !merge};
  }

  void open(Tree tree, const std::string& tag, YAML::anchor_t anchor) {
    if (expects_key()) stop(tree.span, fmt::format("a key is a string, not {}", kind_name(tree.kind)));
    if (stack_.size() >= kMaxDepth) stop_depth(tree.span);
    tree.directive = directive_of(tag);
    Frame frame;
    frame.tree = std::move(tree);
    frame.anchor = anchor;
    stack_.push_back(std::move(frame));
  }

  void close() {
    Tree tree = std::move(stack_.back().tree);
    YAML::anchor_t anchor = stack_.back().anchor;
    stack_.pop_back();
    finish(std::move(tree), anchor);
  }

  /// A value is complete: it goes into the container around it.
  void finish(Tree tree, YAML::anchor_t anchor) {
    count(1);
    if (anchor != 0) {
      size_t nodes = count_nodes(tree);
      count(nodes);
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
    if (!frame.key) stop(tree.span, "a key is missing here");
    Key key = std::move(*frame.key);
    frame.key.reset();
    if (key.merge) return remember_merge(frame, std::move(tree));
    if (key.repeated) return;
    frame.tree.members.push_back({std::move(key.text), std::move(key.span), std::move(tree)});
  }

  void remember_merge(Frame& frame, Tree tree) {
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
  void add_merged() {
    Frame& frame = stack_.back();
    for (Member& member : frame.merged) {
      if (!frame.key_line.emplace(member.key, member.key_span.line).second) continue;
      frame.tree.members.push_back(std::move(member));
    }
  }

  std::shared_ptr<const std::string> file_;
  const std::string& text_;
  Diagnostics& diagnostics_;
  std::vector<Frame> stack_;
  std::unordered_map<YAML::anchor_t, Anchored> anchors_;
  std::vector<Tree> documents_;
  int last_document_ = -1;
  size_t nodes_ = 0;
  size_t alias_nodes_ = 0;
};

/// The length of the UTF-8 character at `at`, or 0 if there is none. Overlong forms and surrogates are none.
size_t utf8_length(std::string_view text, size_t at) {
  auto byte = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  auto tail = [&](size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
  unsigned first = byte(at);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return tail(at + 1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    if (first == 0xE0 && byte(at + 1) < 0xA0) return 0;
    if (first == 0xED && byte(at + 1) > 0x9F) return 0;
    return tail(at + 1) && tail(at + 2) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    if (first == 0xF0 && byte(at + 1) < 0x90) return 0;
    if (first == 0xF4 && byte(at + 1) > 0x8F) return 0;
    return tail(at + 1) && tail(at + 2) && tail(at + 3) ? 4 : 0;
  }
  return 0;
}

/// Where the text is not what YAML may consist of; yaml-cpp would replace such bytes or take 0x04 for the end.
std::optional<size_t> find_bad_byte(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    auto c = static_cast<unsigned char>(text[at]);
    if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7F) return at;
    size_t length = utf8_length(text, at);
    if (length == 0) return at;
    at += length;
  }
  return std::nullopt;
}

SourceSpan span_of_offset(const std::shared_ptr<const std::string>& file, std::string_view text, size_t offset) {
  std::string_view before = text.substr(0, offset);
  auto line = std::count(before.begin(), before.end(), '\n');
  size_t line_begin = before.rfind('\n') + 1;  // npos + 1 = 0
  return {file, static_cast<int>(line + 1), static_cast<int>(offset - line_begin + 1), 1};
}

/// yaml-cpp's words, put so that they say what to do where that is known.
std::string syntax_message(std::string message) {
  if (message.find("unknown token") != std::string::npos || message.find("end of map") != std::string::npos) {
    return "YAML syntax: " + message + ", is the indentation right?";
  }
  return "YAML syntax: " + message;
}

}  // namespace

std::vector<Tree> parse_yaml(const std::shared_ptr<const std::string>& file, const std::string& given,
                             Diagnostics& diagnostics) {
  std::string text = given.starts_with("\xEF\xBB\xBF") ? given.substr(3) : given;
  diagnostics.remember_source(file, text);
  if (std::optional<size_t> bad = find_bad_byte(text)) {
    diagnostics.error(
        span_of_offset(file, text, *bad),
        fmt::format("the byte 0x{:02x} is not allowed in YAML, which is UTF-8 text without control characters",
                    static_cast<unsigned char>(text[*bad])));
    return {};
  }
  TreeBuilder builder(file, text, diagnostics);
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const Stop&) {
  } catch (const YAML::DeepRecursion& error) {
    diagnostics.error({file, error.mark.line + 1, error.mark.column + 1, 0}, "nested too deeply");
  } catch (const YAML::Exception& error) {
    diagnostics.error({file, error.mark.line + 1, error.mark.column + 1, 0}, syntax_message(error.msg));
  }
  return builder.take();
}

}  // namespace berth::compose
