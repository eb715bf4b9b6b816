#include <fmt/core.h>
#include <sys/mount.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "base/text.h"
#include "runtime/child_sys.h"
#include "runtime/prepare.h"
#include "sys/file.h"

namespace berth::runtime {
namespace {

constexpr uint64_t kUsual = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

PlannedMount filesystem(std::string type, std::string target, uint64_t attributes,
                        std::vector<std::pair<std::string, std::string>> options = {}) {
  PlannedMount mount;
  mount.type = std::move(type);
  mount.target = std::move(target);
  mount.attributes = attributes;
  mount.options = std::move(options);
  mount.on_top = true;
  return mount;
}

PlannedMount bind_mount(std::string source, std::string target, uint64_t attributes) {
  PlannedMount mount;
  mount.kind = PlannedMount::Kind::bind;
  mount.source = std::move(source);
  mount.target = std::move(target);
  mount.attributes = attributes;
  mount.propagation = MS_PRIVATE;
  return mount;
}

PlannedMount shared_memory(const ContainerSpec& spec) {
  // With the host's IPC namespace comes the host's shared memory.
  if (spec.ipc.kind == NamespaceMode::Kind::host) return bind_mount("/dev/shm", "/dev/shm", kUsual);
  return filesystem("tmpfs", "/dev/shm", kUsual, {{"mode", "1777"}, {"size", std::to_string(spec.shm_size)}});
}

std::vector<PlannedMount> standard_mounts(const ContainerSpec& spec, const Cgroup& cgroup) {
  std::vector<PlannedMount> mounts;
  mounts.push_back(filesystem("proc", "/proc", kUsual));
  mounts.back().role = PlannedMount::Role::proc;
  mounts.push_back(
      filesystem("tmpfs", "/dev", MOUNT_ATTR_NOSUID | MOUNT_ATTR_STRICTATIME, {{"mode", "755"}, {"size", "65536k"}}));
  mounts.back().role = PlannedMount::Role::dev;
  mounts.push_back(filesystem("devpts", "/dev/pts", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
                              {{"newinstance", ""}, {"ptmxmode", "0666"}, {"mode", "0620"}, {"gid", "5"}}));
  mounts.back().role = PlannedMount::Role::pts;
  if (spec.shm_size > 0) mounts.push_back(shared_memory(spec));
  mounts.push_back(filesystem("mqueue", "/dev/mqueue", kUsual));
  mounts.back().optional = true;
  mounts.push_back(filesystem("sysfs", "/sys", kUsual | (spec.privileged ? 0 : MOUNT_ATTR_RDONLY)));
  // Read-only, unless privileged.
  for (PlannedMount& mount : plan_cgroup_mounts("/sys/fs/cgroup", kUsual | (spec.privileged ? 0 : MOUNT_ATTR_RDONLY),
                                                !spec.privileged, cgroup)) {
    mounts.push_back(std::move(mount));
  }
  return mounts;
}

struct PropagationFlags {
  uint64_t type;
  bool recursive;
};
PropagationFlags propagation_flags(Propagation propagation) {
  switch (propagation) {
    case Propagation::rprivate:
      return {MS_PRIVATE, true};
    case Propagation::private_:
      return {MS_PRIVATE, false};
    case Propagation::rslave:
      return {MS_SLAVE, true};
    case Propagation::slave:
      return {MS_SLAVE, false};
    case Propagation::rshared:
      return {MS_SHARED, true};
    case Propagation::shared:
      return {MS_SHARED, false};
  }
  return {MS_PRIVATE, true};
}

Result<PlannedMount> plan_bind(const BindMount& spec) {
  std::string source;
  if (!spec.tree.valid()) {
    BERTH_TRY(source, clean_path(spec.source, "bind mount source"));
  }
  PlannedMount mount = bind_mount(std::move(source), "", 0);
  mount.tree = spec.tree.get();
  mount.subpath = spec.subpath;
  mount.recursive = spec.recursive;
  mount.attributes = (spec.read_only ? MOUNT_ATTR_RDONLY : 0) | (spec.nosuid ? MOUNT_ATTR_NOSUID : 0) |
                     (spec.nodev ? MOUNT_ATTR_NODEV : 0) | (spec.noexec ? MOUNT_ATTR_NOEXEC : 0);
  mount.attributes_recursive = spec.recursive && spec.read_only_recursive;
  PropagationFlags propagation = propagation_flags(spec.propagation);
  mount.propagation = propagation.type;
  mount.propagation_recursive = propagation.recursive;
  return mount;
}

struct OptionWord {
  uint64_t set, clear;
};
const std::map<std::string_view, OptionWord>& option_words() {
  static const std::map<std::string_view, OptionWord> kWords = {
      {"ro", {MOUNT_ATTR_RDONLY, 0}},       {"rw", {0, MOUNT_ATTR_RDONLY}},
      {"exec", {0, MOUNT_ATTR_NOEXEC}},     {"noexec", {MOUNT_ATTR_NOEXEC, 0}},
      {"suid", {0, MOUNT_ATTR_NOSUID}},     {"nosuid", {MOUNT_ATTR_NOSUID, 0}},
      {"dev", {0, MOUNT_ATTR_NODEV}},       {"nodev", {MOUNT_ATTR_NODEV, 0}},
      {"noatime", {MOUNT_ATTR_NOATIME, 0}}, {"nodiratime", {MOUNT_ATTR_NODIRATIME, 0}},
      {"relatime", {0, MOUNT_ATTR__ATIME}}, {"strictatime", {MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME}},
  };
  return kWords;
}

/// One mount(8) word of a tmpfs, into attributes or options.
Status apply_option(const std::string& word, PlannedMount& mount) {
  auto known = option_words().find(word);
  if (known != option_words().end()) {
    mount.attributes = (mount.attributes & ~known->second.clear) | known->second.set;
    return {};
  }
  static constexpr std::string_view kKeys[] = {"size", "mode", "uid", "gid", "nr_inodes", "nr_blocks", "huge", "mpol"};
  size_t equals = word.find('=');
  std::string key = word.substr(0, equals);
  bool valid = equals != std::string::npos && equals + 1 < word.size() && word.find(',') == std::string::npos &&
               std::find(std::begin(kKeys), std::end(kKeys), key) != std::end(kKeys);
  if (!valid) return make_error(fmt::format("tmpfs option \"{}\" is not known", printable(word)));
  std::erase_if(mount.options, [&](const auto& option) { return option.first == key; });
  mount.options.emplace_back(key, word.substr(equals + 1));
  return {};
}

Result<PlannedMount> plan_tmpfs(const TmpfsMount& spec) {
  PlannedMount mount = filesystem("tmpfs", "", kUsual);
  mount.on_top = false;
  mount.options = {{"mode", fmt::format("{:o}", spec.mode)}};
  if (spec.size) mount.options.emplace_back("size", std::to_string(*spec.size));
  if (spec.uid != 0) mount.options.emplace_back("uid", std::to_string(spec.uid));
  if (spec.gid != 0) mount.options.emplace_back("gid", std::to_string(spec.gid));
  for (const std::string& word : spec.options) BERTH_TRY_OK(apply_option(word, mount));
  return mount;
}

Result<PlannedMount> plan_mount(const MountSpec& spec) {
  const std::string& target = std::visit([](const auto& mount) -> const std::string& { return mount.target; }, spec);
  BERTH_TRY(std::string path, clean_path(target, "mount target"));
  if (path == "/") return make_error("nothing can be mounted on the container's root");
  if (path == "/proc" || path.starts_with("/proc/")) {
    return make_error(fmt::format("nothing can be mounted on {}", printable(path)),
                      "what lies over a part of /proc would deceive the runtime itself");
  }
  struct Planner {
    Result<PlannedMount> operator()(const BindMount& mount) const { return plan_bind(mount); }
    Result<PlannedMount> operator()(const TmpfsMount& mount) const { return plan_tmpfs(mount); }
    Result<PlannedMount> operator()(const RawMount&) const { return make_error("not a mount of such a container"); }
  };
  BERTH_TRY(PlannedMount mount, std::visit(Planner{}, spec));
  mount.target = std::move(path);
  return mount;
}

}  // namespace

Result<std::string> clean_path(const std::string& path, const char* what) {
  if (path.empty() || path.front() != '/' || path.find('\0') != std::string::npos) {
    return make_error(fmt::format("{} \"{}\" is not an absolute path", what, printable(path)));
  }
  std::string clean = std::filesystem::path(path).lexically_normal().string();
  while (clean.size() > 1 && clean.back() == '/') clean.pop_back();
  return clean.starts_with("//") ? clean.substr(1) : clean;
}

std::vector<PlannedMount> plan_cgroup_mounts(const std::string& root, uint64_t attributes, bool sealed,
                                             const Cgroup& cgroup) {
  std::vector<std::pair<std::string, std::string>> visible = cgroup.visible();
  if (visible.size() == 1 && visible[0].first.empty()) {
    // Its root is what the cgroup namespace says: the container's group, or the host's root in a shared namespace.
    return {filesystem("cgroup2", root, attributes)};
  }
  std::vector<PlannedMount> mounts = {filesystem("tmpfs", root, kUsual, {{"mode", "755"}, {"size", "64k"}})};
  mounts.back().sealed = sealed;
  for (const auto& [name, path] : visible)
    mounts.push_back(bind_mount(path, fmt::format("{}/{}", root, name), attributes));
  return mounts;
}

Result<std::vector<PlannedMount>> plan_mounts(const ContainerSpec& spec, const Cgroup& cgroup) {
  std::vector<PlannedMount> mounts = standard_mounts(spec, cgroup);
  for (const MountSpec& wanted : spec.mounts) {
    BERTH_TRY(PlannedMount mount, plan_mount(wanted));
    auto ours = std::find_if(mounts.begin(), mounts.end(), [&](const PlannedMount& standard) {
      return standard.on_top && standard.target == mount.target;
    });
    if (ours == mounts.end()) {
      mounts.push_back(std::move(mount));
      continue;
    }
    // What lies below its place comes with it (the container's control groups with /sys).
    mount.on_top = true;
    *ours = std::move(mount);
  }
  if (mounts.size() > child::kMaxMounts) return make_error(fmt::format("more than {} mounts", child::kMaxMounts));
  return mounts;
}

}  // namespace berth::runtime
