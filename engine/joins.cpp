#include "engine/joins.h"

#include <algorithm>

namespace berth::engine {
namespace {

constexpr std::string_view kService = "service:", kContainer = "container:";

void name_by_id(std::string& mode, const Lenders& lenders) {
  if (!joined(mode).empty()) mode = std::string(kContainer) + lenders.at(mode)->id;
}

}  // namespace

std::string joined(const std::string& mode) {
  return mode.starts_with(kService) || mode.starts_with(kContainer) ? mode : "";
}

std::string joined_id(const std::string& mode) {
  return mode.starts_with(kContainer) ? mode.substr(kContainer.size()) : "";
}

std::vector<std::string> lenders_of(const ContainerConfig& config) {
  std::vector<std::string> lenders;
  for (const std::string* mode : {&config.network_mode, &config.ipc_mode, &config.pid_mode}) {
    if (!joined(*mode).empty()) lenders.push_back(*mode);
  }
  for (const VolumesFrom& volumes : config.volumes_from) lenders.push_back(volumes.from);
  return lenders;
}

void name_lenders_by_id(ContainerConfig& config, const Lenders& lenders) {
  if (!joined(config.network_mode).empty()) {
    const ContainerRecord& owner = *lenders.at(config.network_mode);
    config.hostname = owner.config.hostname.empty() ? owner.short_id() : owner.config.hostname;
    config.domainname = owner.config.domainname;
  }
  name_by_id(config.network_mode, lenders);
  name_by_id(config.ipc_mode, lenders);
  name_by_id(config.pid_mode, lenders);
  for (VolumesFrom& volumes : config.volumes_from) name_by_id(volumes.from, lenders);
}

void take_mounts(const std::vector<VolumesFrom>& wanted, const Lenders& lenders, std::vector<MountConfig>& mounts,
                 std::vector<std::string>& anonymous_volumes) {
  for (const VolumesFrom& volumes : wanted) {
    const ContainerRecord& lender = *lenders.at(volumes.from);
    for (const MountConfig& lent : lender.mounts) {
      auto at_target = [&](const MountConfig& mount) { return mount.target == lent.target; };
      if (lent.type == "tmpfs" || std::any_of(mounts.begin(), mounts.end(), at_target)) continue;
      MountConfig mount = lent;
      mount.read_only = mount.read_only || volumes.read_only;
      mount.lent = true;
      mounts.push_back(mount);
      const std::vector<std::string>& nameless = lender.anonymous_volumes;
      if (std::find(nameless.begin(), nameless.end(), mount.source) != nameless.end()) {
        anonymous_volumes.push_back(mount.source);
      }
    }
  }
}

}  // namespace berth::engine
