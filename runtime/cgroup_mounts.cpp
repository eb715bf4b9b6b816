#include "runtime/cgroup_mounts.h"

#include <fmt/core.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "base/text.h"
#include "sys/file.h"

namespace berth::runtime {
namespace {

// Words among a v1 hierarchy's options that are no controllers.
bool is_controller(const std::string& word) {
  return !word.empty() && word != "rw" && word != "ro" && word.find('=') == std::string::npos && word != "xattr" &&
         word != "noprefix" && word != "clone_children";
}

/// mountinfo writes blanks and backslashes as octal.
std::string unescape(std::string_view text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      result += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
      i += 3;
    } else {
      result += text[i];
    }
  }
  return result;
}

/// A mount of the v2 hierarchy that is attached nowhere: works by descriptor all the same.
Result<sys::UniqueFd> mount_detached_v2() {
  sys::UniqueFd context(fsopen("cgroup2", FSOPEN_CLOEXEC));
  if (!context.valid() || fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) {
    return sys_error("mount the cgroup v2 hierarchy", errno);
  }
  sys::UniqueFd tree(fsmount(context.get(), FSMOUNT_CLOEXEC, 0));
  if (!tree.valid()) return sys_error("mount the cgroup v2 hierarchy", errno);
  return tree;
}

}  // namespace

CgroupMounts CgroupMounts::parse(std::string_view mountinfo) {
  CgroupMounts mounts;
  for (const std::string& line : split(mountinfo, '\n')) {
    // 36 35 98:0 /root /mount/point options [optional…] - type source super-options (proc_pid_mountinfo(5))
    size_t dash = line.find(" - ");
    if (dash == std::string::npos) continue;
    std::vector<std::string> before = split(std::string_view(line).substr(0, dash), ' ');
    std::vector<std::string> after = split(std::string_view(line).substr(dash + 3), ' ');
    if (before.size() < 5 || after.size() < 3) continue;
    std::string point = unescape(before[4]);
    if (after[0] == "cgroup2" && mounts.v2.empty()) mounts.v2 = point;
    if (after[0] != "cgroup") continue;
    for (const std::string& word : split(after[2], ',')) {
      if (is_controller(word)) mounts.v1.emplace(word, point);
    }
  }
  return mounts;
}

Result<CgroupMounts> CgroupMounts::discover() {
  BERTH_TRY(std::string text, sys::read_file("/proc/self/mountinfo"));
  CgroupMounts mounts = parse(text);
  if (mounts.v2.empty()) {
    BERTH_TRY(sys::UniqueFd tree, mount_detached_v2());
    mounts.v2 = fmt::format("/proc/{}/fd/{}", getpid(), tree.get());
    mounts.keep_alive = std::make_shared<sys::UniqueFd>(std::move(tree));
  }
  BERTH_TRY(std::string controllers, sys::read_file(mounts.v2 + "/cgroup.controllers"));
  for (const std::string& name : split(trim(controllers), ' ')) {
    if (!name.empty()) mounts.v2_controllers.insert(name);
  }
  return mounts;
}

}  // namespace berth::runtime
