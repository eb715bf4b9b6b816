// What a container takes from others: namespaces, shared memory, trees of images, mounted volumes.

#include <fcntl.h>
#include <fmt/core.h>

#include <algorithm>

#include "supervise/containers.h"
#include "sys/file.h"
#include "sys/mount_tree.h"
#include "volumes/volume_mount.h"

namespace berth::supervise {
namespace {

Result<sys::UniqueFd> open_namespace(const Managed& lender, const char* kind) {
  BERTH_TRY(sys::UniqueFd fd, sys::open_file(fmt::format("/proc/{}/ns/{}", lender.live.process.pid, kind), O_RDONLY));
  // The number may be another's by now.
  if (lender.process.exited()) return sys_error(fmt::format("join container {}", lender.record.name), ESRCH);
  return fd;
}

}  // namespace

engine::Borrowed Containers::Loan::refs() const {
  engine::Borrowed borrowed{pid.ref(), ipc.ref(), shared_memory.ref(), {}};
  for (const auto& [index, tree] : images) borrowed.images.emplace(index, tree.ref());
  return borrowed;
}

Result<ContainerPtr> Containers::lender(const Managed& container, const std::string& mode, const char* what) const {
  const std::string id = engine::joined_id(mode);
  ContainerPtr lender = find(id);
  if (lender == nullptr) {
    return make_error(fmt::format("container {} joins the {} of container {}, which is not there any more",
                                  container.record.name, what, id.substr(0, 12)),
                      "`up` makes it anew");
  }
  if (!lender->live.alive() || !lender->process.valid()) {
    return make_error(fmt::format("cannot join the {} of container {}: it is not running", what, lender->record.name));
  }
  return lender;
}

/// The network namespace to live in: one of its own, made now, that of another, or (invalid) the host's.
Task<sys::Netns> Containers::network_of(ContainerPtr container) {
  const engine::ContainerRecord& record = container->record;
  const std::string& mode = record.config.network_mode;
  if (engine::joined(mode).empty()) co_return co_await parts_.networks.connect(record, container->live);
  container->live.endpoints.clear();
  Result<ContainerPtr> owner = lender(*container, mode, "network");
  if (!owner) co_return std::move(owner).error();
  if ((*owner)->record.config.network_mode == "host") co_return sys::Netns();
  Result<sys::UniqueFd> fd = open_namespace(**owner, "net");
  if (!fd) co_return std::move(fd).error();
  co_return sys::Netns(std::move(*fd));
}

Status Containers::borrow_namespaces(const Managed& container, Loan& loan) const {
  const engine::ContainerConfig& config = container.record.config;
  if (!engine::joined(config.pid_mode).empty()) {
    BERTH_TRY(ContainerPtr owner, lender(container, config.pid_mode, "pid namespace"));
    BERTH_TRY(loan.pid, open_namespace(*owner, "pid"));
  }
  if (engine::joined(config.ipc_mode).empty()) return {};
  BERTH_TRY(ContainerPtr owner, lender(container, config.ipc_mode, "ipc namespace"));
  const std::string& offered = owner->record.config.ipc_mode;
  if (offered.empty() || offered == "private" || offered == "none") {
    return make_error(
        fmt::format("cannot join the ipc namespace of container {}: it is not shareable", owner->record.name),
        fmt::format("write `ipc: shareable` in service \"{}\"", owner->record.service));
  }
  BERTH_TRY(loan.ipc, open_namespace(*owner, "ipc"));
  BERTH_TRY(loan.shared_memory, sys::copy_mount_of(owner->process, "/dev/shm"));
  return {};
}

Task<Containers::Loan> Containers::borrow(ContainerPtr container) {
  Loan loan;
  BERTH_CO_TRY_OK(borrow_namespaces(*container, loan));
  const std::vector<engine::MountConfig>& mounts = container->record.mounts;  // lives as long as `container`
  bool images = std::any_of(mounts.begin(), mounts.end(), [](const auto& mount) { return mount.type == "image"; });
  if (!images) co_return loan;
  using Trees = std::map<size_t, sys::UniqueFd>;
  std::function<Result<Trees>()> merge = [&mounts]() -> Result<Trees> {
    Trees trees;
    for (size_t i = 0; i < mounts.size(); ++i) {
      if (mounts[i].type != "image") continue;
      Result<sys::UniqueFd> tree =
          sys::merge_layers(mounts[i].layers, mounts[i].subpath).context("image {}", mounts[i].source);
      if (!mounts[i].place.empty()) tree = std::move(tree).context("{}", mounts[i].place);
      if (!tree) return std::move(tree).error();
      trees.emplace(i, std::move(*tree));
    }
    return trees;
  };
  Result<Trees> trees = co_await on_pool<Trees>(parts_.pool, std::move(merge));
  if (!trees) co_return std::move(trees).error();
  loan.images = std::move(*trees);
  co_return loan;
}

/// What was mounted for a volume (its driver's options) goes with the last container that has it.
void Containers::unmount_unused(const engine::ContainerRecord& record) const {
  for (const engine::MountConfig& mount : record.mounts) {
    const std::string data = parts_.store.paths().volumes() + "/" + mount.source + "/_data";
    if (mount.type != "volume" || !volumes::is_mounted(data)) continue;
    auto uses = [&](const auto& entry) {
      const Managed& other = *entry.second;
      bool active = other.live.alive() || other.starting;
      return active && std::any_of(other.record.mounts.begin(), other.record.mounts.end(),
                                   [&](const auto& m) { return m.type == "volume" && m.source == mount.source; });
    };
    if (std::any_of(containers_.begin(), containers_.end(), uses)) continue;
    if (Status gone = volumes::unmount_volume(data); !gone)
      fmt::print(stderr, "berth-supervisor: {}\n", gone.error().message());
  }
}

}  // namespace berth::supervise
