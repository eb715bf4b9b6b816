#include "images/unpack_process.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "base/text.h"
#include "sys/file.h"

// How this works
//
// The parent sends the layer's blob through a socket (send with MSG_NOSIGNAL: a child that has given up must not end us
// by SIGPIPE) and shuts it down at the end. The child answers once, through a pipe that it never fills:
//
//     ok \n <diff id> \n <tar bytes> \n <entries> { \n <note> }
//     error \n <errno> \n <message>
//
// and exits. No answer means that it was killed. Texts are made printable, so no line break can be smuggled in.

namespace berth::images {
namespace {

using sys::FdRef;
using sys::UniqueFd;

constexpr size_t kVerdictLimit = 32 * 1024;  // fits into an empty pipe
constexpr int kDataFd = 3, kVerdictFd = 4;

/// Leaves the child with its two descriptors at known numbers and nothing of the parent's.
bool keep_only(int data, int verdict) {
  int high_data = fcntl(data, F_DUPFD, 10);
  int high_verdict = fcntl(verdict, F_DUPFD, 10);
  if (dup2(high_data, kDataFd) < 0 || dup2(high_verdict, kVerdictFd) < 0) return false;
  return syscall(SYS_close_range, 5U, ~0U, 0U) == 0;
}

/// Makes the layer's directory all that this process can see. False without the privilege for it.
bool confine_to(const char* directory) {
  if (unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC) != 0) return false;
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
  if (mount(directory, directory, nullptr, MS_BIND, nullptr) != 0) return false;
  constexpr unsigned long kFlags = MS_NODEV | MS_NOSUID | MS_NOEXEC;
  if (mount(nullptr, directory, nullptr, MS_REMOUNT | MS_BIND | kFlags, nullptr) != 0) return false;
  // pivot_root(".", "."): the old root ends up on top of the new one and is taken off (pivot_root(2)).
  return chdir(directory) == 0 && syscall(SYS_pivot_root, ".", ".") == 0 && umount2(".", MNT_DETACH) == 0;
}

/// What unpacking takes: owners, modes, devices, file capabilities, and SYS_ADMIN for trusted.overlay.opaque.
void drop_capabilities() {
  constexpr uint32_t kLow = 1U << CAP_CHOWN | 1U << CAP_DAC_OVERRIDE | 1U << CAP_DAC_READ_SEARCH | 1U << CAP_FOWNER |
                            1U << CAP_FSETID | 1U << CAP_MKNOD | 1U << CAP_SYS_ADMIN | 1U << CAP_SETFCAP;
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  syscall(SYS_capget, &header, data);
  data[0].effective = data[0].permitted = data[0].permitted & kLow;
  data[1].effective = data[1].permitted = 0;
  data[0].inheritable = data[1].inheritable = 0;
  syscall(SYS_capset, &header, data);  // fewer capabilities are a second wall; without it the first still stands
}

Result<UnpackResult> work(const std::string& directory, const UnpackOptions& options) {
  if (directory.empty()) return verify_layer(read_blob_from(FdRef(kDataFd), "the layer"), options.limits);
  bool confined = confine_to(directory.c_str());
  drop_capabilities();
  umask(0);
  BERTH_TRY(UniqueFd root, sys::open_file(confined ? "/" : directory, O_RDONLY | O_DIRECTORY));
  return unpack_layer(read_blob_from(FdRef(kDataFd), "the layer"), root.ref(), options);
}

std::string render_verdict(const Result<UnpackResult>& result) {
  if (!result) return fmt::format("error\n{}\n{}", result.error().code, printable(result.error().what.substr(0, 4096)));
  std::string text = fmt::format("ok\n{}\n{}\n{}", result->diff_id.str(), result->tar_bytes, result->entries);
  for (const std::string& note : result->notes) {
    if (text.size() + note.size() < kVerdictLimit) text += "\n" + printable(note);
  }
  return text;
}

Result<UnpackResult> parse_verdict(const std::string& text, int wait_status) {
  std::vector<std::string> lines = split(text, '\n');
  if (lines.size() == 3 && lines[0] == "error") {
    return Error{lines[2], static_cast<int>(parse_unsigned(lines[1]).value_or(0)), {}, {}};
  }
  if (lines.size() < 4 || lines[0] != "ok") {
    if (WIFSIGNALED(wait_status))
      return make_error(fmt::format("unpacking was ended by signal {}", WTERMSIG(wait_status)));
    return make_error("unpacking ended without a result");
  }
  BERTH_TRY(Digest diff_id, Digest::parse(lines[1]));
  UnpackResult result{diff_id, parse_unsigned(lines[2]).value_or(0), parse_unsigned(lines[3]).value_or(0), {}};
  result.notes.assign(lines.begin() + 4, lines.end());
  return result;
}

[[noreturn]] void child_main(pid_t parent, int data, int verdict, const std::string& directory,
                             const UnpackOptions& options) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);  // it died before the line above
  prctl(PR_SET_NAME, "berth-unpack");
  if (!keep_only(data, verdict)) _exit(1);
  (void)sys::write_all(FdRef(kVerdictFd), render_verdict(work(directory, options)));  // nobody left to tell if it fails
  _exit(0);
}

}  // namespace

Result<UnpackProcess> UnpackProcess::start(const std::string& directory, const UnpackOptions& options) {
  int sockets[2], pipes[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0) return sys_error("socketpair", errno);
  UniqueFd ours(sockets[0]), theirs(sockets[1]);
  int size = 1 << 20;
  setsockopt(ours.get(), SOL_SOCKET, SO_SNDBUF, &size, sizeof size);  // a hint; smaller is only slower
  if (pipe2(pipes, O_CLOEXEC) != 0) return sys_error("pipe", errno);
  UniqueFd read_end(pipes[0]), write_end(pipes[1]);
  pid_t parent = getpid();
  pid_t pid = fork();
  if (pid < 0) return sys_error("fork", errno);
  if (pid == 0) child_main(parent, theirs.get(), write_end.get(), directory, options);
  return UnpackProcess(pid, std::move(ours), std::move(read_end));
}

UnpackProcess::UnpackProcess(UnpackProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), data_(std::move(other.data_)), verdict_(std::move(other.verdict_)) {}

UnpackProcess::~UnpackProcess() {
  if (pid_ < 0) return;
  kill(pid_, SIGKILL);
  reap();
}

int UnpackProcess::reap() {
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  return status;
}

Status UnpackProcess::send(std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t n = ::send(data_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      int code = errno;
      auto verdict = finish();
      if (!verdict) return std::move(verdict).error();
      return sys_error("send the layer to its unpacking process", code);
    }
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

Result<UnpackResult> UnpackProcess::finish() {
  if (pid_ < 0) return make_error("unpacking has ended already");
  shutdown(data_.get(), SHUT_WR);
  auto text = sys::read_all(verdict_.ref(), kVerdictLimit + 8192);
  int status = reap();
  if (!text) return std::move(text).error();
  return parse_verdict(*text, status);
}

}  // namespace berth::images
