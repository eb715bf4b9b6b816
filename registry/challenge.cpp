#include "registry/challenge.h"

#include <cctype>

#include "base/text.h"

namespace berth::registry {
namespace {

bool is_token(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : rest_(text) {}

  std::vector<Challenge> parse() {
    while (skip_to_word()) {
      std::string word = token();
      skip_spaces();
      if (!challenges_.empty() && take('=')) {
        skip_spaces();
        challenges_.back().parameters.emplace(to_lower(word), value());
      } else {
        challenges_.push_back({to_lower(word), {}});
        skip_token68();
      }
    }
    return std::move(challenges_);
  }

 private:
  bool skip_to_word() {
    while (!rest_.empty() && !is_token(rest_.front())) rest_.remove_prefix(1);
    return !rest_.empty();
  }
  void skip_spaces() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t')) rest_.remove_prefix(1);
  }
  bool take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  std::string token() {
    size_t end = 0;
    while (end < rest_.size() && is_token(rest_[end])) ++end;
    std::string word(rest_.substr(0, end));
    rest_.remove_prefix(end);
    return word;
  }
  std::string value() {
    if (!take('"')) return token();
    std::string text;
    while (!rest_.empty() && !take('"')) {
      if (rest_.front() == '\\' && rest_.size() > 1) rest_.remove_prefix(1);
      text += rest_.front();
      rest_.remove_prefix(1);
    }
    return text;
  }
  /// "Negotiate a87421000492aa874209af8bc028==": what follows the scheme without being "name=value".
  void skip_token68() {
    std::string_view before = rest_;
    while (!rest_.empty() && (is_token(rest_.front()) || rest_.front() == '/')) rest_.remove_prefix(1);
    while (take('=')) continue;
    skip_spaces();
    if (!rest_.empty() && rest_.front() != ',') rest_ = before;
  }

  std::string_view rest_;
  std::vector<Challenge> challenges_;
};

}  // namespace

std::string Challenge::parameter(const std::string& name) const {
  auto found = parameters.find(name);
  return found == parameters.end() ? "" : found->second;
}

std::vector<Challenge> parse_challenges(std::string_view header) {
  return Parser(header).parse();
}

}  // namespace berth::registry
