#include "supervise/keeper/predecessors.h"

#include <poll.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <initializer_list>

#include "supervise/keeper/os.h"

namespace berth::keeper {
namespace {

constexpr int kPatienceMs = 5000;  // whoever started us waits twice as long

struct Helper {
  int64_t pid;
  uint64_t start_time;
};

off_t place_of(Role role) {
  return role == Role::keeper ? 0 : sizeof(Helper);
}

}  // namespace

void note_helper(int lock, Role role, pid_t pid) {
  const Helper helper{pid, start_time_of(pid)};
  if (pwrite(lock, &helper, sizeof helper, place_of(role)) != sizeof helper) complain("write keeper.lock");
}

void wait_for_predecessors(int lock) {
  for (Role role : {Role::supervisor, Role::keeper}) {
    Helper helper{};
    if (pread(lock, &helper, sizeof helper, place_of(role)) != sizeof helper) continue;
    if (helper.pid <= 0 || helper.start_time == 0 || helper.pid == getpid()) continue;  // we may have become the keeper
    int process = static_cast<int>(syscall(SYS_pidfd_open, static_cast<pid_t>(helper.pid), 0));
    if (process < 0) continue;
    pollfd end{process, POLLIN, 0};
    const bool same = start_time_of(static_cast<pid_t>(helper.pid)) == helper.start_time;
    if (same && poll(&end, 1, kPatienceMs) == 0) complain("wait for the end of a helper that was killed");
    close(process);
  }
}

}  // namespace berth::keeper
