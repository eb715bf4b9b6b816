#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "sys/fd.h"

namespace berth::sys {

/// A process by handle: signalling and waiting cannot hit a stranger that got the same number.
class Pidfd {
 public:
  Pidfd() = default;
  explicit Pidfd(UniqueFd fd) : fd_(std::move(fd)) {}

  /// pidfd_open(2). Error ESRCH if there is no such process.
  [[nodiscard]] static Result<Pidfd> open(pid_t pid);

  [[nodiscard]] FdRef fd() const { return fd_.ref(); }
  [[nodiscard]] bool valid() const { return fd_.valid(); }
  [[nodiscard]] UniqueFd take_fd() && { return std::move(fd_); }

  /// Its number in our pid namespace; ESRCH once it has been reaped.
  [[nodiscard]] Result<pid_t> pid() const;
  /// pidfd_send_signal(2); Ok if the process is already gone.
  [[nodiscard]] Status signal(int signal) const;
  /// True once the process has exited (as a zombie, too).
  [[nodiscard]] bool exited() const;
  /// Waits for the exit, at most so many milliseconds (-1 = for ever). False on time-out.
  [[nodiscard]] bool wait_exit(int timeout_ms) const;
  /// The wait status of a process that need not be our child (PIDFD_GET_INFO, Linux 6.15 and later); nothing before it
  /// has been reaped. Error: this kernel cannot tell.
  [[nodiscard]] Result<std::optional<int>> exit_status() const;

 private:
  UniqueFd fd_;
};

/// Who a process is for the length of one boot: the number alone would come round again.
struct ProcessIdentity {
  pid_t pid = 0;
  uint64_t start_time = 0;  // field 22 of /proc/PID/stat, in clock ticks since boot
  bool operator==(const ProcessIdentity&) const = default;
};

/// The identity of a live process; ESRCH if it is gone.
[[nodiscard]] Result<ProcessIdentity> identify(pid_t pid);

/// A handle to exactly that process, or ESRCH if it has gone, even if its number is in use again.
[[nodiscard]] Result<Pidfd> open_identified(const ProcessIdentity& identity);

/// /proc/sys/kernel/random/boot_id without its newline: runtime records of another boot are void.
[[nodiscard]] std::string boot_id();

}  // namespace berth::sys
