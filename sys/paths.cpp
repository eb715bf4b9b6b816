#include "sys/paths.h"

#include <fmt/core.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>

#include "sys/environment.h"

namespace berth::sys {
namespace {

std::string absolute(const std::string& path) {
  std::error_code ignored;  // an unreadable cwd leaves the path as it is; using it then fails with its name
  std::filesystem::path full = std::filesystem::absolute(path, ignored).lexically_normal();
  std::string text = full.string();
  while (text.size() > 1 && text.back() == '/') text.pop_back();
  return text;
}

std::string choose(const char* own, const char* system_path, const char* xdg, const std::string& home_default) {
  if (std::string value = environment_variable(own); !value.empty()) return absolute(value);
  if (geteuid() == 0) return system_path;
  if (std::string base = environment_variable(xdg); !base.empty()) return absolute(base) + "/berth";
  return absolute(home_default);
}

}  // namespace

Paths Paths::from_environment() {
  Paths paths;
  paths.root = choose("BERTH_ROOT", "/var/lib/berth", "XDG_DATA_HOME", environment_variable("HOME") + "/.local/share/berth");
  paths.run = choose("BERTH_RUN", "/run/berth", "XDG_RUNTIME_DIR", fmt::format("/tmp/berth-{}", geteuid()));
  return paths;
}

std::string Paths::tag() const {
  uint32_t hash = 2166136261U;  // FNV-1a: names have to differ, not to be secret
  for (char c : root) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return fmt::format("{:08x}", hash);
}

}  // namespace berth::sys
