// The child's root file system: overlay by the best method that this kernel has.
//
// Layers are opened first and named to overlay by descriptor: nothing is looked up twice, and options stay short.
//   by fd       FSCONFIG_SET_FD "lowerdir+"        Linux 6.13
//   by path     FSCONFIG_SET_STRING "lowerdir+"    Linux 6.8, "/proc/self/fd/N"
//   classic     mount(2) "lowerdir=a:b:…"          any (Debian 12 has 6.1); 4096 bytes of options, so 200 layers as
//                                                  "/proc/self/fd/N"
// The first two make a detached mount and run in the host's mount namespace, because overlay refuses layers whose mount
// lies in another one (clone_private_mount). mount(2) cannot make a detached mount, so it runs in a copy of the host's,
// and what comes of it is detached there.

#include <cstring>

#include "runtime/child_sys.h"
#include "runtime/spec.h"

namespace berth::runtime::child {
namespace {

constexpr size_t kMaxOptions = 4096;  // one page: the kernel's limit for mount(2) data

int open_layer(const ChildPlan& plan, size_t index) noexcept {
  int fd = open(plan.layers[index].c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) fail(plan, Stage::overlay_layer, index, errno);
  return fd;
}

int set_path(int context, const char* key, int fd) noexcept {
  char path[32];
  fd_path(path, fd);
  return fsconfig(context, FSCONFIG_SET_STRING, key, path, 0);
}

/// Overlay before Linux 6.5 collects options as text: it takes any name and refuses "lowerdir+" only when all is done,
/// too late to go another way. What gives it away is that it takes no descriptor under any name; later ones say EINVAL
/// here.
bool only_text(int context, int fd) noexcept {
  return fsconfig(context, FSCONFIG_SET_FD, "no such option", nullptr, fd) != 0 && errno == EOPNOTSUPP;
}

/// False where this kernel does not know the way to add a layer (EINVAL at the first one).
bool add_layers(const ChildPlan& plan, int context) noexcept {
  bool by_fd = plan.overlay_method == static_cast<int>(OverlayMethod::automatic);
  for (size_t i = 0; i < plan.layers.size(); ++i) {
    int layer = open_layer(plan, i);
    if (i == 0 && only_text(context, layer)) {
      close(layer);
      return false;
    }
    if (by_fd && fsconfig(context, FSCONFIG_SET_FD, "lowerdir+", nullptr, layer) != 0) {
      if (errno != EINVAL || i > 0) fail(plan, Stage::overlay_layer, i, errno);
      by_fd = false;
    }
    if (!by_fd && set_path(context, "lowerdir+", layer) != 0) {
      if (errno != EINVAL || i > 0) fail(plan, Stage::overlay_layer, i, errno);
      close(layer);
      return false;
    }
    close(layer);
  }
  return true;
}

int open_own(const ChildPlan& plan, const std::string& path) noexcept {
  int fd = open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) fail(plan, Stage::overlay, 0, errno);
  return fd;
}

/// Appends to a text of at most kMaxOptions; false if it does not fit.
bool append(char* text, size_t& length, const char* more) noexcept {
  size_t size = std::strlen(more);
  if (length + size >= kMaxOptions) return false;
  std::memcpy(text + length, more, size + 1);
  length += size;
  return true;
}

}  // namespace

int make_root(const ChildPlan& plan) noexcept {
  if (!plan.rootfs.empty()) {
    unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (plan.bare ? static_cast<unsigned>(AT_RECURSIVE) : 0U);
    int fd = open_tree(AT_FDCWD, plan.rootfs.c_str(), flags);
    if (fd < 0) fail(plan, Stage::overlay, 0, errno);
    return fd;
  }
  if (plan.overlay_method == static_cast<int>(OverlayMethod::classic)) return -1;
  int context = fsopen("overlay", FSOPEN_CLOEXEC);
  if (context < 0) fail(plan, Stage::overlay, 0, errno);
  if (!add_layers(plan, context)) {
    close(context);
    return -1;
  }
  int upper = open_own(plan, plan.upper_dir);
  int work = open_own(plan, plan.work_dir);
  if (fsconfig(context, FSCONFIG_SET_STRING, "source", "overlay", 0) != 0 ||
      set_path(context, "upperdir", upper) != 0 || set_path(context, "workdir", work) != 0 ||
      fsconfig(context, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) {
    fail(plan, Stage::overlay, 0, errno);
  }
  int root = fsmount(context, FSMOUNT_CLOEXEC, 0);
  if (root < 0) fail(plan, Stage::overlay, 0, errno);
  close(work);
  close(upper);
  close(context);
  return root;
}

int make_root_classic(const ChildPlan& plan) noexcept {
  char options[kMaxOptions];
  char path[32];
  size_t length = 0;
  bool fits = append(options, length, "lowerdir=");
  for (size_t i = 0; i < plan.layers.size(); ++i) {
    fd_path(path, open_layer(plan, i));
    fits = fits && (i == 0 || append(options, length, ":")) && append(options, length, path);
  }
  fd_path(path, open_own(plan, plan.upper_dir));
  fits = fits && append(options, length, ",upperdir=") && append(options, length, path);
  fd_path(path, open_own(plan, plan.work_dir));
  fits = fits && append(options, length, ",workdir=") && append(options, length, path);
  if (!fits) fail(plan, Stage::overlay, 0, E2BIG);
  // Attached over the working directory, in this namespace only, where nobody looks it up again.
  if (mount("overlay", plan.work_dir.c_str(), "overlay", 0, options) != 0) fail(plan, Stage::overlay, 0, errno);
  int root = open_tree(AT_FDCWD, plan.work_dir.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
  if (root < 0) fail(plan, Stage::overlay_attach, 0, errno);
  return root;
}

}  // namespace berth::runtime::child
