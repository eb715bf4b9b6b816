#include "runtime/id_map.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "runtime/prepare.h"
#include "sys/file.h"
#include "sys/pidfd.h"

namespace berth::runtime {
namespace {

/// A process in a new user namespace, for as long as this lives.
class Inhabitant {
 public:
  static Result<Inhabitant> create() {
    int pidfd = -1;
    clone_args args{};
    args.flags = CLONE_NEWUSER | CLONE_PIDFD | CLONE_CLEAR_SIGHAND;
    args.pidfd = reinterpret_cast<uint64_t>(&pidfd);
    args.exit_signal = SIGCHLD;
    long pid = syscall(SYS_clone3, &args, sizeof args);
    if (pid == 0) {
      for (;;) (void)syscall(SYS_ppoll, nullptr, 0, nullptr, nullptr);
    }
    if (pid < 0) return sys_error("make a user namespace", errno);
    return Inhabitant(static_cast<pid_t>(pid), sys::Pidfd(sys::UniqueFd(pidfd)));
  }
  Inhabitant(Inhabitant&&) noexcept = default;
  Inhabitant& operator=(Inhabitant&&) noexcept = delete;
  ~Inhabitant() {
    if (!pidfd_.valid()) return;
    (void)pidfd_.signal(SIGKILL);
    siginfo_t info{};
    while (waitid(P_PIDFD, static_cast<id_t>(pidfd_.fd().get()), &info, WEXITED) != 0 && errno == EINTR) {
    }
  }
  [[nodiscard]] std::string file(const char* name) const { return fmt::format("/proc/{}/{}", pid_, name); }

 private:
  Inhabitant(pid_t pid, sys::Pidfd pidfd) : pid_(pid), pidfd_(std::move(pidfd)) {}
  pid_t pid_;
  sys::Pidfd pidfd_;
};

}  // namespace

Result<sys::UniqueFd> make_id_namespace(const std::vector<IdMap>& uids, const std::vector<IdMap>& gids) {
  BERTH_TRY(Inhabitant inhabitant, Inhabitant::create());
  BERTH_TRY_OK(sys::write_existing(inhabitant.file("gid_map"), render_id_map(gids)).context("map group ids"));
  BERTH_TRY_OK(sys::write_existing(inhabitant.file("uid_map"), render_id_map(uids)).context("map user ids"));
  return sys::open_file(inhabitant.file("ns/user"), O_RDONLY);
}

}  // namespace berth::runtime
