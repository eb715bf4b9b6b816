#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

namespace berth::registry {

/// What a token shall allow: actions by resource ("repository:library/nginx" → {"pull"}).
using Scope = std::map<std::string, std::set<std::string>>;

[[nodiscard]] Scope pull_scope(const std::string& path);
[[nodiscard]] Scope push_scope(const std::string& path);

/// "repository:library/nginx:pull,push", several with a space between.
[[nodiscard]] std::string to_text(const Scope& scope);
/// Adds what such a text names; words that name no action are passed over.
void add_scope(Scope& scope, std::string_view text);

}  // namespace berth::registry
