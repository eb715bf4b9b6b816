#include "engine/divergence.h"

#include <algorithm>

#include "engine/joins.h"
#include "engine/observed_stack.h"

namespace berth::engine {
namespace {

constexpr size_t kShownDigest = 19;  // "sha256:" and twelve digits

enum class Policy { never, diverged, always };

/// --force-recreate and -V are about what the user has named; what that depends on is made anew only where it differs.
Policy policy_for(const std::string& service, const UpOptions& options) {
  if (options.no_recreate) return Policy::never;
  bool named = options.named.empty() || options.named.contains(service);
  bool always = named ? options.force_recreate || options.renew_anonymous_volumes : options.always_recreate_deps;
  return always ? Policy::always : Policy::diverged;
}

/// The configuration as it was wanted, from what is on record of it: containers that it takes from are named there by
/// id.
ContainerConfig as_written(const ContainerRecord& record, const Expectation& expected) {
  ContainerConfig config = record.config;
  const ContainerConfig& wanted = expected.service.container;
  if (!joined(config.network_mode).empty()) {
    config.hostname = wanted.hostname;
    config.domainname = wanted.domainname;
  }
  if (!lends_from(record, expected.service, expected.lenders)) return config;
  config.network_mode = wanted.network_mode;
  config.ipc_mode = wanted.ipc_mode;
  config.pid_mode = wanted.pid_mode;
  config.volumes_from = wanted.volumes_from;
  return config;
}

/// The network that the container should be on and is not; empty: none.
std::string lost_network(const ContainerRecord& record, const ContainerConfig& wanted) {
  const std::vector<AttachmentConfig>& there = record.config.attachments;
  for (const AttachmentConfig& attachment : wanted.attachments) {
    auto same = [&](const AttachmentConfig& one) { return one.network == attachment.network; };
    if (std::none_of(there.begin(), there.end(), same)) return attachment.network;
  }
  return "";
}

std::optional<Change> other_image(const std::string& what, const std::string& before, const std::string& after) {
  if (before.empty() || after.empty() || before == after) return std::nullopt;
  return Change{what, before.substr(0, kShownDigest), after.substr(0, kShownDigest)};
}

/// An image that is mounted and is another one by now.
std::optional<Change> other_mounted_image(const ContainerRecord& record, const ContainerConfig& wanted) {
  for (const MountConfig& mount : wanted.mounts) {
    auto there = std::find_if(record.mounts.begin(), record.mounts.end(),
                              [&](const MountConfig& one) { return one.target == mount.target; });
    if (mount.type != "image" || there == record.mounts.end()) continue;
    std::optional<Change> change = other_image("volumes." + mount.target + ".image", there->image_id, mount.image_id);
    if (change) return change;
  }
  return std::nullopt;
}

/// A volume that was missing, while the container still has what it used to be.
std::string missing_volume(const Container& container, const std::set<std::string>& made) {
  for (const MountConfig& mount : container.record.mounts) {
    if (container.live.alive() && mount.type == "volume" && made.contains(mount.source)) return mount.source;
  }
  return "";
}

}  // namespace

std::optional<Divergence> divergence(const Container& container, const Expectation& expected,
                                     const UpOptions& options) {
  const ContainerRecord& record = container.record;
  const ServiceConfig& service = expected.service;
  Policy policy = policy_for(service.name, options);
  if (policy == Policy::never) return std::nullopt;
  if (policy == Policy::always) return Divergence{"recreation asked for", {}};
  if (record.config_hash != expected.hash)
    return Divergence{"configuration changed", changes_between(as_written(record, expected), service.container)};
  if (std::optional<Change> image = other_image("image", record.image_id, service.image_id))
    return Divergence{"its image is another one now", {std::move(*image)}};
  if (std::optional<Change> image = other_mounted_image(record, service.container))
    return Divergence{"an image that it mounts is another one now", {std::move(*image)}};
  if (!lenders_of(service.container).empty() && !lends_from(record, service, expected.lenders))
    return Divergence{"a container that it takes from is made anew", {}};
  if (std::string lost = lost_network(record, service.container); !lost.empty())
    return Divergence{"is not connected to network " + lost + " any more", {}};
  if (std::string missing = missing_volume(container, expected.made_volumes); !missing.empty())
    return Divergence{"volume " + missing + " was missing", {}};
  return std::nullopt;
}

}  // namespace berth::engine
