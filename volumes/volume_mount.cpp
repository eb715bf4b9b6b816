#include "volumes/volume_mount.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <netdb.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "base/text.h"

namespace berth::volumes {
namespace {

struct Flag {
  const char* word;
  unsigned long set, clear;
};
constexpr Flag kFlags[] = {
    {"defaults", 0, 0},
    {"ro", MS_RDONLY, 0},
    {"rw", 0, MS_RDONLY},
    {"suid", 0, MS_NOSUID},
    {"nosuid", MS_NOSUID, 0},
    {"dev", 0, MS_NODEV},
    {"nodev", MS_NODEV, 0},
    {"exec", 0, MS_NOEXEC},
    {"noexec", MS_NOEXEC, 0},
    {"sync", MS_SYNCHRONOUS, 0},
    {"async", 0, MS_SYNCHRONOUS},
    {"dirsync", MS_DIRSYNC, 0},
    {"mand", MS_MANDLOCK, 0},
    {"nomand", 0, MS_MANDLOCK},
    {"atime", 0, MS_NOATIME},
    {"noatime", MS_NOATIME, 0},
    {"diratime", 0, MS_NODIRATIME},
    {"nodiratime", MS_NODIRATIME, 0},
    {"relatime", MS_RELATIME, 0},
    {"norelatime", 0, MS_RELATIME},
    {"strictatime", MS_STRICTATIME, 0},
    {"nostrictatime", 0, MS_STRICTATIME},
    {"bind", MS_BIND, 0},
    {"rbind", MS_BIND | MS_REC, 0},
};
constexpr Flag kPropagations[] = {
    {"private", MS_PRIVATE, 0},       {"rprivate", MS_PRIVATE | MS_REC, 0},       {"shared", MS_SHARED, 0},
    {"slave", MS_SLAVE, 0},           {"rshared", MS_SHARED | MS_REC, 0},         {"rslave", MS_SLAVE | MS_REC, 0},
    {"unbindable", MS_UNBINDABLE, 0}, {"runbindable", MS_UNBINDABLE | MS_REC, 0},
};

/// The words of `o`, as mount(2) takes them.
struct Options {
  unsigned long flags = 0, propagation = 0;
  std::string data;  // what only the file system knows
};

Options parse_options(const std::string& text) {
  Options options;
  for (const std::string& word : split(text, ',')) {
    auto named = [&](const Flag& flag) { return word == flag.word; };
    const Flag* flag = std::find_if(std::begin(kFlags), std::end(kFlags), named);
    const Flag* spread = std::find_if(std::begin(kPropagations), std::end(kPropagations), named);
    if (flag != std::end(kFlags))
      options.flags = (options.flags & ~flag->clear) | flag->set;
    else if (spread != std::end(kPropagations))
      options.propagation = spread->set;
    else if (!word.empty())
      options.data += (options.data.empty() ? "" : ",") + word;
  }
  return options;
}

/// The kernel's clients know no names.
Status resolve_address(std::string& data) {
  std::vector<std::string> words = split(data, ',');
  for (std::string& word : words) {
    if (!word.starts_with("addr=")) continue;
    std::string host = word.substr(5);
    addrinfo* found = nullptr;
    addrinfo wanted{};
    wanted.ai_socktype = SOCK_STREAM;
    if (int code = getaddrinfo(host.c_str(), nullptr, &wanted, &found); code != 0) {
      return make_error(fmt::format("look up \"{}\": {}", printable(host), gai_strerror(code)));
    }
    char address[NI_MAXHOST];
    int code = getnameinfo(found->ai_addr, found->ai_addrlen, address, sizeof address, nullptr, 0, NI_NUMERICHOST);
    freeaddrinfo(found);
    if (code != 0) return make_error(fmt::format("look up \"{}\": {}", printable(host), gai_strerror(code)));
    word = std::string("addr=") + address;
  }
  data = join(words, ",");
  return {};
}

std::string option(const Volume& volume, const char* key) {
  auto found = volume.driver_opts.find(key);
  return found == volume.driver_opts.end() ? "" : found->second;
}

Status mount_now(const Volume& volume) {
  const std::string type = option(volume, "type"), device = option(volume, "device");
  Options options = parse_options(option(volume, "o"));
  if (type.starts_with("nfs") || type == "cifs" || type == "smb3") BERTH_TRY_OK(resolve_address(options.data));
  const char* target = volume.data_dir.c_str();
  std::string what = fmt::format("mount {} of type {} for volume {}", printable(device), printable(type), volume.name);
  if (mount(device.c_str(), target, type.c_str(), options.flags, options.data.c_str()) != 0) {
    return sys_error(what, errno);
  }
  constexpr unsigned long kOfBind = MS_BIND | MS_REC;
  // A bind takes the flags of what it shows; others need a second call.
  bool again = (options.flags & MS_BIND) != 0 && (options.flags & ~kOfBind) != 0;
  Status made;
  if (again && mount(nullptr, target, nullptr, options.flags | MS_REMOUNT, options.data.c_str()) != 0) {
    made = sys_error(what, errno);
  } else if (options.propagation != 0 && mount(nullptr, target, nullptr, options.propagation, nullptr) != 0) {
    made = sys_error(what, errno);
  }
  if (!made) (void)unmount_volume(volume.data_dir);  // the first error is the one to tell
  return made;
}

}  // namespace

Status check_driver_options(const std::map<std::string, std::string>& options) {
  if (options.empty()) return {};
  const std::vector<std::string> known = {"type", "device", "o"};
  for (const auto& [name, value] : options) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    return make_error(fmt::format("the driver \"local\" has no option \"{}\"", printable(name)),
                      "type, device and o are there");
  }
  for (const char* name : {"type", "device"}) {
    auto found = options.find(name);
    if (found == options.end() || found->second.empty()) {
      return make_error(fmt::format("the option \"{}\" of the driver \"local\" is missing", name),
                        "type and device are needed together; a bind has the type none");
    }
  }
  return {};
}

bool is_mounted(const std::string& data_dir) {
  struct statx info {};
  return statx(AT_FDCWD, data_dir.c_str(), AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, 0, &info) == 0 &&
         (info.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) != 0 && (info.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

Status mount_volume(const Volume& volume) {
  if (volume.driver_opts.empty() || is_mounted(volume.data_dir)) return {};
  BERTH_TRY_OK(check_driver_options(volume.driver_opts).context("volume {}", volume.name));
  return mount_now(volume);
}

Status unmount_volume(const std::string& data_dir) {
  while (is_mounted(data_dir)) {
    if (umount2(data_dir.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) != 0) return sys_error("unmount " + data_dir, errno);
  }
  return {};
}

}  // namespace berth::volumes
