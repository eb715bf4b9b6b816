#include "cli/go_template.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>

#include "base/text.h"
#include "cli/go_template_functions.h"
#include "cli/go_template_lexer.h"

// How this works: the lexer cuts the text into pieces; Parser makes a tree of blocks of them, since range and if hold
// others; Renderer walks the tree. Expressions stay words and are evaluated from left to right where they are met.

namespace berth::cli {

using Value = GoTemplate::Json;
using Words = std::vector<std::string>;

struct GoTemplate::Block {
  enum class Kind { text, expression, range, condition, with } kind = Kind::text;
  std::string text;
  Words words;
  std::vector<Block> body, otherwise;
};

namespace {

using Block = GoTemplate::Block;

class Parser {
 public:
  explicit Parser(std::vector<TemplatePiece> pieces) : pieces_(std::move(pieces)) {}

  Result<std::vector<Block>> all() {
    std::vector<Block> blocks;
    BERTH_TRY_OK(parse_until_end(blocks));
    if (at_ < pieces_.size()) return make_error("format: {{" + pieces_[at_].words[0] + "}} without if or range");
    return blocks;
  }

 private:
  /// Reads blocks up to {{end}} or {{else}}, which it leaves, or the end of the text.
  Status parse_until_end(std::vector<Block>& blocks) {
    for (; at_ < pieces_.size(); ++at_) {
      TemplatePiece& piece = pieces_[at_];
      if (!piece.action) {
        blocks.push_back({Block::Kind::text, std::move(piece.text), {}, {}, {}});
        continue;
      }
      const std::string& first = piece.words[0];
      if (first == "end" || first == "else") return {};
      if (first.starts_with("/*")) continue;
      BERTH_TRY_OK(parse_action(blocks));
    }
    return {};
  }

  Status parse_action(std::vector<Block>& blocks) {
    Words words = std::move(pieces_[at_].words);
    Block block{Block::Kind::expression, {}, {}, {}, {}};
    std::string first = words[0];
    if (first == "range") block.kind = Block::Kind::range;
    if (first == "if") block.kind = Block::Kind::condition;
    if (first == "with") block.kind = Block::Kind::with;
    if (block.kind != Block::Kind::expression) words.erase(words.begin());
    block.words = std::move(words);
    for (const std::string& word : block.words) {
      if (word == ":=" || word == "=" || (word.starts_with('$') && word != "$" && !word.starts_with("$.")))
        return make_error("format: variables (" + printable(word) + ") are not supported");
    }
    if (block.kind == Block::Kind::expression) return blocks.push_back(std::move(block)), Status();
    ++at_;
    BERTH_TRY_OK(parse_until_end(block.body));
    if (at_ < pieces_.size() && pieces_[at_].words[0] == "else") {
      if (pieces_[at_].words.size() > 1)
        return make_error("format: {{else " + pieces_[at_].words[1] + "}} is not supported");
      ++at_;
      BERTH_TRY_OK(parse_until_end(block.otherwise));
    }
    if (at_ >= pieces_.size() || pieces_[at_].words[0] != "end")
      return make_error("format: {{" + first + "}} has no {{end}}");
    blocks.push_back(std::move(block));
    return {};
  }

  std::vector<TemplatePiece> pieces_;
  size_t at_ = 0;
};

class Renderer {
 public:
  explicit Renderer(const Value& root) : root_(root) {}

  Status render(const std::vector<Block>& blocks, const Value& dot) {
    for (const Block& block : blocks) {
      if (block.kind == Block::Kind::text) {
        out_ += block.text;
        continue;
      }
      size_t at = 0;
      BERTH_TRY(Value value, pipeline(block.words, at, dot));
      if (at < block.words.size())
        return make_error("format: \"" + printable(block.words[at]) + "\" is not expected here");
      BERTH_TRY_OK(act(block, value, dot));
    }
    return {};
  }

  std::string take() { return std::move(out_); }

 private:
  Status act(const Block& block, const Value& value, const Value& dot) {
    switch (block.kind) {
      case Block::Kind::expression:
        out_ += go_text(value);
        return {};
      case Block::Kind::condition:
        return render(is_true(value) ? block.body : block.otherwise, dot);
      case Block::Kind::with:
        return is_true(value) ? render(block.body, value) : render(block.otherwise, dot);
      default:
        break;
    }
    if (!value.is_structured() && !value.is_null()) return make_error("format: range over " + go_text(value));
    if (value.empty()) return render(block.otherwise, dot);
    for (const auto& item : value) BERTH_TRY_OK(render(block.body, item));
    return {};
  }

  /// `a b c | f`: the value on the left is the last argument on the right.
  Result<Value> pipeline(const Words& words, size_t& at, const Value& dot) {
    std::optional<Value> before;
    for (;;) {
      BERTH_TRY(Value value, command(words, at, dot, before));
      if (at >= words.size() || words[at] != "|") return value;
      before = std::move(value);
      ++at;
    }
  }

  Result<Value> command(const Words& words, size_t& at, const Value& dot, const std::optional<Value>& piped) {
    if (at >= words.size()) return make_error("format: an expression is missing");
    bool call = is_function_name(words[at]);
    if (!call) {
      if (piped) return make_error("format: \"" + printable(words[at]) + "\" is no function to pipe into");
      return operand(words, at, dot);
    }
    std::string name = words[at++];
    std::vector<Value> arguments;
    while (at < words.size() && words[at] != "|" && words[at] != ")") {
      BERTH_TRY(Value value, operand(words, at, dot));
      arguments.push_back(std::move(value));
    }
    if (piped) arguments.push_back(*piped);
    return call_go_function(name, arguments);
  }

  Result<Value> operand(const Words& words, size_t& at, const Value& dot) {
    const std::string& word = words[at++];
    if (word == "(") {
      BERTH_TRY(Value value, pipeline(words, at, dot));
      if (at >= words.size() || words[at] != ")") return make_error("format: a parenthesis is not closed");
      ++at;
      bool field = at < words.size() && words[at].size() > 1 && words[at].starts_with('.');
      return field ? select(value, words[at++]) : std::move(value);
    }
    if (word.starts_with('"')) return Value(word.substr(1));
    if (word.starts_with('$')) return select(root_, std::string_view(word).substr(1));
    if (word.starts_with('.')) return select(dot, word);
    if (word == "true" || word == "false") return Value(word == "true");
    if (auto number = parse_unsigned(word)) return Value(*number);
    if (is_function_name(word)) return call_go_function(word, {});
    return make_error("format: \"" + printable(word) + "\" is not understood",
                      "expected a field like .Id or one of " + join(go_function_names(), ", "));
  }

  /// `.A.B` of a value; "." and "" are the value itself.
  static Result<Value> select(const Value& from, std::string_view path) {
    const Value* value = &from;
    for (const std::string& name : split(path, '.')) {
      if (name.empty()) continue;
      if (value->is_null()) return Value();  // a member of what is not set is not set
      if (value->is_object() && value->contains(name)) {
        value = &value->at(name);
        continue;
      }
      if (name == "Health" || name == "Healthcheck")
        return Value();  // left out where there is none: scripts ask with `if`
      std::vector<std::string> names;
      if (value->is_object()) {
        for (const auto& item : value->items()) names.push_back(item.key());
      }
      std::optional<std::string> near = nearest(name, names);
      return make_error("format: there is no field ." + printable(name) + " in " + printable(path),
                        near ? "did you mean ." + *near + "?" : "fields: " + join(names, ", "));
    }
    return *value;
  }

  const Value& root_;
  std::string out_;
};

}  // namespace

GoTemplate::GoTemplate(std::unique_ptr<Block> root) : root_(std::move(root)) {}
GoTemplate::GoTemplate(GoTemplate&&) noexcept = default;
GoTemplate& GoTemplate::operator=(GoTemplate&&) noexcept = default;
GoTemplate::~GoTemplate() = default;

Result<GoTemplate> GoTemplate::parse(std::string_view text) {
  BERTH_TRY(std::vector<TemplatePiece> pieces, lex_template(text));
  auto root = std::make_unique<Block>();
  BERTH_TRY(root->body, Parser(std::move(pieces)).all());
  return GoTemplate(std::move(root));
}

Result<std::string> GoTemplate::render(const Value& data) const {
  Renderer renderer(data);
  BERTH_TRY_OK(renderer.render(root_->body, data));
  return renderer.take();
}

}  // namespace berth::cli
