#include "engine/seccomp_file.h"

#include <fmt/core.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cstdio>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/text.h"

namespace berth::engine {
namespace {

using nlohmann::json;
using Rule = runtime::SeccompProfile::Rule;

#if defined(__x86_64__)
constexpr const char *kArch = "amd64", *kSeccompArch = "SCMP_ARCH_X86_64";
#elif defined(__aarch64__)
constexpr const char *kArch = "arm64", *kSeccompArch = "SCMP_ARCH_AARCH64";
#else
#error "seccomp: name this architecture"
#endif

using Words = std::vector<std::string>;

berth::Status know(const json& object, std::initializer_list<std::string_view> keys) {
  for (const auto& [key, value] : object.items()) {
    if (std::find(keys.begin(), keys.end(), key) != keys.end() || value.is_null()) continue;
    return make_error(fmt::format("the key \"{}\" is not known or not supported", printable(key)));
  }
  return {};
}

/// "4.8" as 4008; 0 for what is no version.
int version(const std::string& text) {
  int major = 0, minor = 0;
  return std::sscanf(text.c_str(), "%d.%d", &major, &minor) == 2 ? major * 1000 + minor : 0;
}

int kernel_version() {
  utsname name{};
  return uname(&name) == 0 ? version(name.release) : 0;
}

/// `value` of a key that may be missing or null.
template <class T>
T get(const json& object, const char* key, T fallback = {}) {
  auto found = object.find(key);
  return found == object.end() || found->is_null() ? fallback : found->get<T>();
}

/// Of `includes` all must hold, of `excludes` none.
struct Filter {
  bool arch = true, caps = true, any_cap = false, kernel = true;
};

Result<Filter> look_at(const json& rule, const char* key, runtime::CapMask caps) {
  Filter filter;
  const json object = get<json>(rule, key, json::object());
  BERTH_TRY_OK(know(object, {"arches", "caps", "minKernel"}));
  const Words arches = get<Words>(object, "arches");
  filter.arch = std::find(arches.begin(), arches.end(), kArch) != arches.end();
  for (const std::string& name : get<Words>(object, "caps")) {
    BERTH_TRY(runtime::CapMask cap, runtime::parse_cap(name));
    filter.caps = filter.caps && (caps & cap) != 0;
    filter.any_cap = filter.any_cap || (caps & cap) != 0;
  }
  const std::string kernel = get<std::string>(object, "minKernel");
  filter.kernel = !kernel.empty() && kernel_version() >= version(kernel);
  if (std::string_view(key) == "includes") {
    filter.arch = filter.arch || arches.empty();
    filter.kernel = filter.kernel || kernel.empty();
  }
  return filter;
}

Result<bool> applies(const json& rule, runtime::CapMask caps) {
  BERTH_TRY(Filter in, look_at(rule, "includes", caps));
  BERTH_TRY(Filter out, look_at(rule, "excludes", caps));
  return in.arch && in.caps && in.kernel && !out.arch && !out.any_cap && !out.kernel;
}

Result<Rule> parse_rule(const json& object) {
  BERTH_TRY_OK(know(object, {"name", "names", "action", "errnoRet", "args", "comment", "includes", "excludes"}));
  Rule rule;
  rule.names = get<Words>(object, "names");
  if (std::string name = get<std::string>(object, "name"); !name.empty()) rule.names.push_back(name);
  rule.action = get<std::string>(object, "action");
  if (object.contains("errnoRet") && !object["errnoRet"].is_null()) rule.error = object["errnoRet"].get<uint32_t>();
  for (const json& argument : get<json>(object, "args", json::array())) {
    BERTH_TRY_OK(know(argument, {"index", "value", "valueTwo", "op"}));
    rule.conditions.push_back({get<unsigned>(argument, "index"), get<std::string>(argument, "op"),
                               get<uint64_t>(argument, "value"), get<uint64_t>(argument, "valueTwo")});
  }
  return rule;
}

Words architectures(const json& document) {
  Words names = get<Words>(document, "architectures");
  for (const json& entry : get<json>(document, "archMap", json::array())) {
    if (get<std::string>(entry, "architecture") == kSeccompArch) names = get<Words>(entry, "subArchitectures");
  }
  std::erase(names, kSeccompArch);
  return names;
}

Result<runtime::SeccompProfile> parse(const json& document, runtime::CapMask caps) {
  if (!document.is_object()) return make_error("a seccomp profile must be an object");
  BERTH_TRY_OK(know(document, {"defaultAction", "defaultErrnoRet", "archMap", "architectures", "syscalls", "comment"}));
  runtime::SeccompProfile profile;
  profile.default_action = document.at("defaultAction").get<std::string>();
  if (document.contains("defaultErrnoRet") && !document["defaultErrnoRet"].is_null()) {
    profile.default_error = document["defaultErrnoRet"].get<uint32_t>();
  }
  profile.architectures = architectures(document);
  for (const json& object : get<json>(document, "syscalls", json::array())) {
    BERTH_TRY(Rule rule, parse_rule(object));
    BERTH_TRY(bool wanted, applies(object, caps));
    if (wanted) profile.rules.push_back(std::move(rule));
  }
  return profile;
}

}  // namespace

Result<runtime::SeccompProfile> parse_seccomp(const std::string& text, runtime::CapMask caps) {
  try {
    return parse(json::parse(text), caps);
  } catch (const json::exception& e) {
    return make_error(fmt::format("not a seccomp profile: {}", e.what()));
  }
}

}  // namespace berth::engine
