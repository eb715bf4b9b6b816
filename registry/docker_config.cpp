#include "registry/docker_config.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/base64.h"
#include "base/text.h"
#include "registry/hub.h"

namespace berth::registry {
namespace {

using Json = nlohmann::ordered_json;

/// "file:3:14" of the byte with this number, from 1.
std::string place(const std::string& name, std::string_view text, size_t byte) {
  std::string_view before = text.substr(0, byte == 0 ? 0 : byte - 1);
  auto line = std::count(before.begin(), before.end(), '\n') + 1;
  size_t newline = before.rfind('\n');
  size_t column = newline == std::string_view::npos ? before.size() + 1 : before.size() - newline;
  return fmt::format("{}:{}:{}", name, line, column);
}

/// Keys come as "ghcr.io", "https://ghcr.io" and "https://ghcr.io/v1/", from different times and programs.
std::string host_of_key(std::string key) {
  for (std::string_view scheme : {"https://", "http://"}) {
    if (key.starts_with(scheme)) key.erase(0, scheme.size());
  }
  return key.substr(0, key.find('/'));
}

bool is_key_for(const std::string& key, const std::string& host) {
  std::string of_key = host_of_key(key);
  return is_hub(host) ? is_hub(of_key) : of_key == host;
}

/// The string member; empty if it is missing or none.
std::string text_at(const Json& object, const char* name) {
  auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

}  // namespace

Result<DockerConfig> DockerConfig::parse(std::string_view text, const std::string& name) {
  if (trim(text).empty()) return DockerConfig(Json::object(), name);
  try {
    Json root = Json::parse(text);
    if (!root.is_object()) return make_error(name + ": expected a JSON object");
    for (const char* key : {"auths", "credHelpers"}) {
      if (root.contains(key) && !root[key].is_object())
        return make_error(fmt::format("{}: {}: expected an object", name, key));
    }
    return DockerConfig(std::move(root), name);
  } catch (const Json::parse_error& error) {
    return make_error(place(name, text, error.byte) + ": not valid JSON");
  }
}

std::string DockerConfig::helper(const std::string& host) const {
  if (auto helpers = root_.find("credHelpers"); helpers != root_.end()) {
    for (const auto& [key, value] : helpers->items()) {
      if (is_key_for(key, host) && value.is_string()) return value.get<std::string>();
    }
  }
  return text_at(root_, "credsStore");
}

std::string DockerConfig::key_of(const std::string& host) const {
  auto auths = root_.find("auths");
  if (auths == root_.end()) return {};
  if (auths->contains(login_key(host))) return login_key(host);
  for (const auto& [key, value] : auths->items()) {
    if (is_key_for(key, host)) return key;
  }
  return {};
}

bool DockerConfig::mentions(const std::string& host) const {
  return !key_of(host).empty();
}

Result<std::optional<Credentials>> DockerConfig::login(const std::string& host) const {
  std::string key = key_of(host);
  if (key.empty()) return std::optional<Credentials>();
  const Json& entry = root_["auths"][key];
  std::string where = fmt::format("{}: auths: \"{}\"", name_, printable(key));
  if (!entry.is_object()) return make_error(where + ": expected an object");
  if (!text_at(entry, "registrytoken").empty()) {
    return make_error(where +
                      ": registrytoken is not supported; expected auth, username and password, or identitytoken");
  }
  Credentials credentials{text_at(entry, "username"), text_at(entry, "password"), text_at(entry, "identitytoken")};
  if (std::string auth = text_at(entry, "auth"); !auth.empty()) {
    std::optional<std::string> plain = base64_decode(auth);
    size_t colon = plain ? plain->find(':') : std::string::npos;
    if (colon == std::string::npos) return make_error(where + ": auth: expected base64 of USER:PASSWORD");
    credentials.user = plain->substr(0, colon);
    credentials.password = plain->substr(colon + 1);
  }
  if (credentials.user.empty() && credentials.identity_token.empty()) return std::optional<Credentials>();
  return std::optional(std::move(credentials));
}

void DockerConfig::set(const std::string& host, const Credentials& credentials) {
  erase(host);
  Json entry = Json::object();
  if (!credentials.user.empty()) entry["auth"] = base64_encode(credentials.user + ":" + credentials.password);
  if (!credentials.identity_token.empty()) entry["identitytoken"] = credentials.identity_token;
  root_["auths"][login_key(host)] = std::move(entry);
}

void DockerConfig::erase(const std::string& host) {
  for (std::string key = key_of(host); !key.empty(); key = key_of(host)) root_["auths"].erase(key);
}

std::string DockerConfig::text() const {
  return root_.dump(1, '\t', false, Json::error_handler_t::replace);
}

}  // namespace berth::registry
