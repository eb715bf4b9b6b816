#include "registry/scope.h"

#include "base/text.h"

namespace berth::registry {

Scope pull_scope(const std::string& path) {
  return {{"repository:" + path, {"pull"}}};
}

Scope push_scope(const std::string& path) {
  return {{"repository:" + path, {"pull", "push"}}};
}

std::string to_text(const Scope& scope) {
  std::vector<std::string> words;
  for (const auto& [resource, actions] : scope)
    words.push_back(resource + ":" + join({actions.begin(), actions.end()}, ","));
  return join(words, " ");
}

void add_scope(Scope& scope, std::string_view text) {
  for (const std::string& word : split(text, ' ')) {
    size_t colon = word.rfind(':');  // a name may hold colons: "repository:host:5000/app:pull"
    if (colon == std::string::npos) continue;
    for (std::string& action : split(std::string_view(word).substr(colon + 1), ',')) {
      if (!action.empty()) scope[word.substr(0, colon)].insert(std::move(action));
    }
  }
}

}  // namespace berth::registry
