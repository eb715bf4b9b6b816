// The child's mounts. Every target is found with openat2(RESOLVE_IN_ROOT) below the root's descriptor and used by
// descriptor: no path of the image or of a volume is ever looked up twice, or outside.

#include <linux/magic.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

#include <cstring>

#include "runtime/child_sys.h"

namespace berth::runtime::child {
namespace {

/// A directory entry `name` of `parent` that is really a directory: what else the image has there gives way. The result
/// lies in the container's own upper layer.
int claim_directory(int parent, const char* name) noexcept {
  constexpr int kFlags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  int fd = openat(parent, name, kFlags);
  if (fd >= 0) return fd;
  if (errno == ENOTDIR || errno == ELOOP) {
    if (unlinkat(parent, name, 0) != 0) return -1;
  } else if (errno != ENOENT) {
    return -1;
  }
  if (mkdirat(parent, name, 0755) != 0 && errno != EEXIST) return -1;
  return openat(parent, name, kFlags);
}

/// make_directory() for a path below which nothing is ours yet: each component is claimed.
int claim_path(int root, const char* path) noexcept {
  char name[NAME_MAX + 1];
  int fd = root;
  while (*path != '\0') {
    while (*path == '/') ++path;
    size_t length = std::strcspn(path, "/");
    if (length == 0) break;
    if (length > NAME_MAX) return errno = ENAMETOOLONG, -1;
    std::memcpy(name, path, length);
    name[length] = '\0';
    path += length;
    int next = claim_directory(fd, name);
    if (fd != root) close(fd);
    if (next < 0) return -1;
    fd = next;
  }
  return fd;
}

/// What the symlink `name` in `parent`, whose path is `parent_path`, stands for, as a path inside the root.
bool read_link(int parent, const char* parent_path, const char* name, char (&target)[PATH_MAX]) noexcept {
  char text[PATH_MAX];
  ssize_t size = readlinkat(parent, name, text, sizeof text - 1);
  if (size < 0) return false;
  text[size] = '\0';
  size_t above = text[0] == '/' ? 0 : std::strlen(parent_path);
  if (above + 1 + static_cast<size_t>(size) >= sizeof target) return errno = ENAMETOOLONG, false;
  std::memcpy(target, parent_path, above);
  target[above] = '/';
  std::memcpy(target + above + 1, text, static_cast<size_t>(size) + 1);
  return true;
}

/// An existing or new regular file at `path` inside `root`. Where a symlink leads nowhere yet, it is made there: images
/// that were a machine's have /etc/resolv.conf as one.
int make_file(int root, const char* path, int links_left = 8) noexcept {
  int fd = open_in_root(root, path, O_PATH);
  if (fd >= 0 || errno != ENOENT) return fd;
  char parent_path[PATH_MAX];
  size_t length = std::strlen(path);
  if (length >= sizeof parent_path) return errno = ENAMETOOLONG, -1;
  std::memcpy(parent_path, path, length + 1);
  char* slash = std::strrchr(parent_path, '/');
  if (slash == nullptr || slash[1] == '\0') return errno = EINVAL, -1;
  const char* name = path + (slash - parent_path) + 1;
  slash[slash == parent_path ? 1 : 0] = '\0';
  int parent = make_directory(root, parent_path);
  if (parent < 0) return -1;
  // Neither an existing file nor a symlink is ever opened for writing.
  fd = openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
  int error = fd < 0 ? errno : 0;
  char target[PATH_MAX];
  bool leads_on = error == EEXIST && links_left > 0 && read_link(parent, parent_path, name, target);
  close(parent);
  if (leads_on) return make_file(root, target, links_left - 1);
  if (fd < 0 && error != EEXIST) return errno = error, -1;
  if (fd >= 0) close(fd);
  return open_in_root(root, path, O_PATH);
}

bool is_directory(int fd) noexcept {
  struct stat info;
  return fstat(fd, &info) == 0 && S_ISDIR(info.st_mode);
}

bool is_proc(int fd) noexcept {
  struct statfs info;
  return fstatfs(fd, &info) == 0 && info.f_type == PROC_SUPER_MAGIC;
}

int find_target(const ChildPlan& plan, size_t index, int root, int tree) noexcept {
  const PlannedMount& entry = plan.mounts[index];
  const char* path = entry.target.c_str();
  int target;
  if (entry.on_top) {
    target = claim_path(root, path);
  } else if (entry.plain) {
    target = open_in_root(root, path, O_PATH | O_DIRECTORY, RESOLVE_NO_SYMLINKS);
    if (target < 0 && errno == ENOENT) target = make_directory(root, path);
  } else if (is_directory(tree)) {
    target = make_directory(root, path);
  } else {
    target = make_file(root, path);
  }
  if (target < 0) fail(plan, Stage::mount_target, index, errno);
  // A symlink of the image may lead here as well as the plain path does. What is mounted over a part of /proc lies to
  // everyone who writes there (CVE-2019-16884, CVE-2025-52881).
  if (is_proc(target) && !entry.over_proc) fail(plan, Stage::mount_target, index, EPERM);
  return target;
}

int new_filesystem(const ChildPlan& plan, size_t index) noexcept {
  const PlannedMount& entry = plan.mounts[index];
  int context = fsopen(entry.type.c_str(), FSOPEN_CLOEXEC);
  if (context < 0) {
    if (entry.optional && errno == ENODEV) return -1;
    fail(plan, Stage::mount, index, errno);
  }
  if (entry.raw && !entry.source.empty() &&
      fsconfig(context, FSCONFIG_SET_STRING, "source", entry.source.c_str(), 0) != 0) {
    fail(plan, Stage::mount, index, errno);
  }
  for (const auto& [key, value] : entry.options) {
    int done = value.empty() ? fsconfig(context, FSCONFIG_SET_FLAG, key.c_str(), nullptr, 0)
                             : fsconfig(context, FSCONFIG_SET_STRING, key.c_str(), value.c_str(), 0);
    if (done != 0) fail(plan, Stage::mount, index, errno);
  }
  if (fsconfig(context, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) {
    if (!entry.optional) fail(plan, Stage::mount, index, errno);
    close(context);
    return -1;
  }
  int tree = fsmount(context, FSMOUNT_CLOEXEC, static_cast<unsigned>(entry.attributes));
  if (tree < 0) fail(plan, Stage::mount, index, errno);
  close(context);
  return tree;
}

void take_mode(const ChildPlan& plan, size_t index, int from, int to) noexcept {
  struct stat info;
  if (fstat(from, &info) != 0 || fchmodat(to, ".", info.st_mode & 07777, 0) != 0)
    fail(plan, Stage::mount, index, errno);
}

/// Puts one mount in its place and keeps its descriptor if others need it.
void mount_one(const ChildPlan& plan, size_t index, int root, int tree, Mounted& mounted) noexcept {
  const PlannedMount& entry = plan.mounts[index];
  if (entry.kind == PlannedMount::Kind::filesystem) tree = new_filesystem(plan, index);
  if (tree < 0) return;  // optional and not there
  int target = find_target(plan, index, root, tree);
  if (entry.mode_of_target) take_mode(plan, index, target, tree);
  if (entry.copy_up && !copy_tree(target, tree)) fail(plan, Stage::copy_up, index, errno);
  if (attach(tree, target) != 0) fail(plan, Stage::mount, index, errno);
  close(target);
  if (entry.raw && entry.kind == PlannedMount::Kind::filesystem && entry.propagation != 0 &&
      set_attributes(tree, 0, entry.propagation, entry.propagation_recursive) != 0) {
    fail(plan, Stage::mount, index, errno);
  }
  switch (entry.role) {
    case PlannedMount::Role::proc:
      mounted.proc = tree;
      return;
    case PlannedMount::Role::dev:
      mounted.dev = tree;
      return;
    case PlannedMount::Role::pts:
      mounted.pts = tree;
      return;
    case PlannedMount::Role::ordinary:
      close(tree);
      return;
  }
}

void make_link(const ChildPlan& plan, int dev, const char* target, const char* name) noexcept {
  if (symlinkat(target, dev, name) == 0) return;
  // Only where /dev is not a new file system of ours.
  if (!plan.bare || errno != EEXIST) fail(plan, Stage::dev_directory, 0, errno);
}

/// One node: on our own /dev by name, elsewhere like a file.
void make_device(const ChildPlan& plan, size_t index, int root, int dev) noexcept {
  const PlannedDevice& device = plan.devices[index];
  constexpr char kDev[] = "/dev/";
  bool below_dev = dev >= 0 && device.path.compare(0, sizeof kDev - 1, kDev) == 0;
  const char* path = device.path.c_str() + (below_dev ? sizeof kDev - 1 : 0);
  int parent = below_dev ? dev : root;
  const char* name = path;
  const char* slash = std::strrchr(path, '/');
  if (slash != nullptr) {
    char directory[PATH_MAX];
    auto length = static_cast<size_t>(slash - path);
    if (length >= sizeof directory) fail(plan, Stage::device, index, ENAMETOOLONG);
    std::memcpy(directory, path, length);
    directory[length] = '\0';
    parent = length == 0 ? root : make_directory(parent, directory);
    if (parent < 0) fail(plan, Stage::device, index, errno);
    name = slash + 1;
  }
  if (mknodat(parent, name, device.mode, device.device) != 0) {
    if (errno != EEXIST) fail(plan, Stage::device, index, errno);
    if (unlinkat(parent, name, 0) != 0 || mknodat(parent, name, device.mode, device.device) != 0) {
      fail(plan, Stage::device, index, errno);
    }
  }
  if ((device.uid != 0 || device.gid != 0) &&
      fchownat(parent, name, device.uid, device.gid, AT_SYMLINK_NOFOLLOW) != 0) {
    fail(plan, Stage::device, index, errno);
  }
}

/// Attributes, ids and propagation of a bind that says them itself.
void shape_bind(const ChildPlan& plan, size_t index, int tree) noexcept {
  const PlannedMount& entry = plan.mounts[index];
  if (entry.id_map >= 0) {
    mount_attr attributes{};
    attributes.attr_set = MOUNT_ATTR_IDMAP;
    attributes.userns_fd = static_cast<uint64_t>(entry.id_map);
    unsigned flags = AT_EMPTY_PATH | (entry.id_map_recursive ? static_cast<unsigned>(AT_RECURSIVE) : 0U);
    if (mount_setattr(tree, "", flags, &attributes, sizeof attributes) != 0) fail(plan, Stage::mount, index, errno);
  }
  if (set_attributes(tree, entry.attributes, 0, false, entry.clear) != 0 ||
      set_attributes(tree, entry.set_below, 0, true, entry.clear_below) != 0 ||
      set_attributes(tree, 0, entry.propagation, entry.propagation_recursive) != 0) {
    fail(plan, Stage::mount, index, errno);
  }
}

/// The fresh /dev gets what every program expects there.
void fill_dev(const ChildPlan& plan, int root, const Mounted& mounted) noexcept {
  mode_t mask = umask(0);
  for (size_t i = 0; i < plan.devices.size(); ++i) make_device(plan, i, root, mounted.dev);
  umask(mask);
  make_link(plan, mounted.dev, "/proc/self/fd", "fd");
  make_link(plan, mounted.dev, "/proc/self/fd/0", "stdin");
  make_link(plan, mounted.dev, "/proc/self/fd/1", "stdout");
  make_link(plan, mounted.dev, "/proc/self/fd/2", "stderr");
  make_link(plan, mounted.dev, "/proc/kcore", "core");
  make_link(plan, mounted.dev, "pts/ptmx", "ptmx");
}

}  // namespace

int make_directory(int root, const char* path) noexcept {
  int fd = open_in_root(root, path, O_PATH | O_DIRECTORY);
  if (fd >= 0 || errno != ENOENT) return fd;
  char prefix[PATH_MAX];
  size_t length = std::strlen(path);
  if (length >= sizeof prefix) return errno = ENAMETOOLONG, -1;
  std::memcpy(prefix, path, length + 1);
  // Mostly only the last component is missing.
  char* slash = std::strrchr(prefix, '/');
  if (slash != nullptr && slash != prefix && slash[1] != '\0') {
    *slash = '\0';
    int above = open_in_root(root, prefix, O_PATH | O_DIRECTORY);
    *slash = '/';
    if (above >= 0) {
      bool made = mkdirat(above, slash + 1, 0755) == 0 || errno == EEXIST;
      int saved = errno;
      close(above);
      errno = saved;
      return made ? open_in_root(root, path, O_PATH | O_DIRECTORY) : -1;
    }
  }
  int parent = fcntl(root, F_DUPFD_CLOEXEC, 3);
  // Component by component, so that the parent in which one is made is the very one that was walked to.
  for (size_t end = 0; parent >= 0;) {
    while (prefix[end] == '/') ++end;
    size_t start = end;
    while (prefix[end] != '/' && prefix[end] != '\0') ++end;
    if (start == end) return parent;
    char rest = prefix[end];
    prefix[end] = '\0';
    int next = open_in_root(root, prefix, O_PATH | O_DIRECTORY);
    if (next < 0 && errno == ENOENT && (mkdirat(parent, prefix + start, 0755) == 0 || errno == EEXIST)) {
      next = open_in_root(root, prefix, O_PATH | O_DIRECTORY);
    }
    prefix[end] = rest;
    int saved = errno;
    close(parent);
    errno = saved;
    parent = next;
  }
  return -1;
}

void open_bind_sources(const ChildPlan& plan, int* trees) noexcept {
  for (size_t i = 0; i < plan.mounts.size(); ++i) {
    const PlannedMount& entry = plan.mounts[i];
    trees[i] = -1;
    if (entry.kind != PlannedMount::Kind::bind) continue;
    if (entry.tree >= 0) {
      trees[i] = entry.tree;
      continue;
    }
    int source = open(entry.source.c_str(), O_PATH | O_CLOEXEC);
    if (source >= 0 && !entry.subpath.empty()) {
      open_how how{};
      how.flags = O_PATH | O_CLOEXEC;
      how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
      int base = source;
      source = static_cast<int>(syscall(SYS_openat2, base, entry.subpath.c_str(), &how, sizeof how));
      int saved = errno;
      close(base);
      errno = saved;
    }
    if (source < 0) fail(plan, Stage::bind_source, i, errno);
    trees[i] = clone_tree(source, entry.recursive);
    if (trees[i] < 0) fail(plan, Stage::bind_source, i, errno);
    close(source);
    if (entry.raw) {
      shape_bind(plan, i, trees[i]);
      continue;
    }
    // Both calls in one where they reach equally far.
    bool together = entry.attributes_recursive == entry.propagation_recursive;
    if (set_attributes(trees[i], together ? entry.attributes : 0, entry.propagation, entry.propagation_recursive) !=
        0) {
      fail(plan, Stage::mount, i, errno);
    }
    if (!together && set_attributes(trees[i], entry.attributes, 0, entry.attributes_recursive) != 0) {
      fail(plan, Stage::mount, i, errno);
    }
  }
}

Mounted mount_all(const ChildPlan& plan, int root, const int* trees) noexcept {
  Mounted mounted;
  for (size_t i = 0; i < plan.mounts.size(); ++i) {
    mount_one(plan, i, root, trees[i], mounted);
    // At once, before anything of the user's can lie on top of it.
    if (plan.mounts[i].role == PlannedMount::Role::dev) fill_dev(plan, root, mounted);
  }
  if (plan.bare && mounted.dev < 0) {
    mounted.dev = make_directory(root, "/dev");
    if (mounted.dev < 0) fail(plan, Stage::dev_directory, 0, errno);
    if (plan.fill_dev) fill_dev(plan, root, mounted);
  }
  mounted.null = open_null(plan, root);
  return mounted;
}

int open_null(const ChildPlan& plan, int root) noexcept {
  int fd = open_in_root(root, "/dev/null", O_RDWR | O_NOFOLLOW | O_NOCTTY);
  struct stat info;
  if (fd < 0 || fstat(fd, &info) != 0) fail(plan, Stage::dev_directory, 0, errno);
  // Masks are clones of this node: it has to be the real one (CVE-2025-31133).
  if (!S_ISCHR(info.st_mode) || info.st_rdev != makedev(1, 3)) fail(plan, Stage::dev_directory, 0, EINVAL);
  return fd;
}

}  // namespace berth::runtime::child
