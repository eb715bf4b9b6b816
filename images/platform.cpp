#include "images/platform.h"

#include <fmt/core.h>
#include <sys/utsname.h>

#include <map>

#include "base/text.h"

namespace berth::images {
namespace {

/// Names as uname(2), Debian and users write them → as Go and so every image config does.
void normalise(Platform& platform) {
  struct Alias {
    std::string architecture, variant;
  };
  static const std::map<std::string, Alias, std::less<>> kAliases = {
      {"x86_64", {"amd64", ""}},   {"x86-64", {"amd64", ""}},
      {"i386", {"386", ""}},       {"i686", {"386", ""}},
      {"aarch64", {"arm64", ""}},  {"armhf", {"arm", "v7"}},
      {"armv7l", {"arm", "v7"}},   {"armel", {"arm", "v6"}},
      {"armv6l", {"arm", "v6"}},   {"loongarch64", {"loong64", ""}},
      {"ppc64el", {"ppc64le", ""}}};
  auto found = kAliases.find(platform.architecture);
  if (found == kAliases.end()) return;
  platform.architecture = found->second.architecture;
  if (platform.variant.empty()) platform.variant = found->second.variant;
}

/// "v7" → 7; what an absent variant stands for; -1 for a word that is no level.
int level(const Platform& platform) {
  if (platform.variant.empty()) {
    if (platform.architecture == "arm") return 7;
    if (platform.architecture == "arm64") return 8;
    return 1;
  }
  auto number = parse_unsigned(std::string_view(platform.variant).substr(1));
  return platform.variant[0] == 'v' && number && *number < 100 ? static_cast<int>(*number) : -1;
}

}  // namespace

std::string Platform::str() const {
  return os + "/" + architecture + (variant.empty() ? "" : "/" + variant);
}

Result<Platform> parse_platform(std::string_view text) {
  std::vector<std::string> parts = split(to_lower(text), '/');
  bool only_architecture = parts.size() == 1 && parts[0] != "linux";
  if (only_architecture) parts.insert(parts.begin(), "linux");
  Platform platform;
  bool good = parts.size() <= 3;
  for (const std::string& part : parts) {
    good =
        good && !part.empty() && part.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-.") == std::string::npos;
  }
  if (!good) {
    return make_error(
        fmt::format("platform \"{}\": expected OS/ARCHITECTURE[/VARIANT], for example linux/amd64", printable(text)));
  }
  platform.os = parts[0];
  platform.architecture = parts.size() > 1 ? parts[1] : host_platform().architecture;
  if (parts.size() > 2) platform.variant = parts[2];
  normalise(platform);
  if (platform.os != "linux")
    return make_error(fmt::format("platform \"{}\": berth runs linux images only", printable(text)));
  return platform;
}

Platform host_platform() {
  utsname names{};
  uname(&names);  // cannot fail with a valid buffer
  Platform platform;
  platform.architecture = names.machine;
  normalise(platform);
  return platform;
}

int choose_platform(const Platform& wanted, const std::vector<Platform>& offered) {
  int best = -1;
  int best_level = -1;
  for (size_t i = 0; i < offered.size(); ++i) {
    if (offered[i].os != wanted.os || offered[i].architecture != wanted.architecture) continue;
    int here = level(offered[i]);
    bool serves = offered[i].variant == wanted.variant || (here >= 0 && here <= level(wanted));
    if (!serves || here <= best_level) continue;
    best = static_cast<int>(i);
    best_level = here;
  }
  return best;
}

}  // namespace berth::images
