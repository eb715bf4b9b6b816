#include "builder/scope.h"

#include <algorithm>
#include <array>

namespace berth::builder {
namespace {

/// Usable without ARG; not part of the image's history.
constexpr std::array<std::string_view, 10> kProxies = {"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy",
                                                       "FTP_PROXY",  "ftp_proxy",  "NO_PROXY",    "no_proxy",
                                                       "ALL_PROXY",  "all_proxy"};

Values platform_args(const Given& given) {
  auto of = [](const std::string& prefix, const images::Platform& platform) {
    return Values{{prefix + "PLATFORM", platform.str()},
                  {prefix + "OS", platform.os},
                  {prefix + "ARCH", platform.architecture},
                  {prefix + "VARIANT", platform.variant}};
  };
  Values all = of("TARGET", given.target);
  all.merge(of("BUILD", given.build));
  all["TARGETSTAGE"] = given.stage.empty() ? "default" : given.stage;
  return all;
}

void set_in(std::vector<std::string>& env, const std::string& name, const std::string& value) {
  std::string prefix = name + "=";
  auto same = std::find_if(env.begin(), env.end(), [&](const std::string& one) { return one.starts_with(prefix); });
  if (same == env.end())
    env.push_back(prefix + value);
  else
    *same = prefix + value;
}

}  // namespace

Scope::Scope(const Given& given) : given_(given), args_(platform_args(given)) {}

Scope::Scope(const Given& given, const Scope& global, const std::vector<std::string>& env, Values args)
    : given_(given), global_(&global), args_(std::move(args)), env_(env) {}

void Scope::declare(const std::string& name, const std::optional<std::string>& fallback) {
  auto asked = given_.build_args.find(name);
  if (asked != given_.build_args.end()) {
    args_[name] = asked->second;
  } else if (fallback) {
    args_[name] = *fallback;
  } else if (global_ != nullptr) {
    auto inherited = global_->args_.find(name);
    if (inherited != global_->args_.end()) args_[name] = inherited->second;
  }
}

void Scope::set_env(const std::string& name, const std::string& value) {
  set_in(env_, name, value);
  args_.erase(name);
}

std::optional<std::string> Scope::env_value(std::string_view name) const {
  for (const std::string& one : env_) {
    if (one.size() > name.size() && one[name.size()] == '=' && one.starts_with(name))
      return one.substr(name.size() + 1);
  }
  return std::nullopt;
}

std::optional<std::string> Scope::find(std::string_view name) const {
  auto arg = args_.find(name);
  return arg == args_.end() ? env_value(name) : std::optional(arg->second);
}

dockerfile::Lookup Scope::lookup() const {
  return [this](std::string_view name) { return find(name); };
}

std::vector<std::string> Scope::run_env() const {
  std::vector<std::string> all = env_;
  for (const auto& [name, value] : args_) set_in(all, name, value);
  for (std::string_view proxy : kProxies) {
    auto asked = given_.build_args.find(proxy);
    if (asked != given_.build_args.end() && !find(proxy)) set_in(all, asked->first, asked->second);
  }
  return all;
}

}  // namespace berth::builder
