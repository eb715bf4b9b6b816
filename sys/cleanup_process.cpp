#include "sys/cleanup_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

namespace berth::sys {
namespace {

[[noreturn]] void wait_and_clean_up(UniqueFd watched, const std::function<void()>& cleanup) {
  // A signal to the terminal's foreground group is not for us.
  setsid();
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, nullptr);
  char byte = 0;
  while (read(watched.get(), &byte, 1) < 0 && errno == EINTR) continue;
  cleanup();
  _exit(0);
}

}  // namespace

Result<CleanupProcess> CleanupProcess::start(const std::function<void()>& cleanup) {
  int pipes[2];
  if (pipe2(pipes, O_CLOEXEC) != 0) return sys_error("pipe", errno);
  UniqueFd watched(pipes[0]), alive(pipes[1]);
  pid_t pid = fork();
  if (pid < 0) return sys_error("fork", errno);
  if (pid == 0) {
    alive.reset();
    wait_and_clean_up(std::move(watched), cleanup);
  }
  return CleanupProcess(pid, std::move(alive));
}

CleanupProcess::CleanupProcess(CleanupProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), alive_(std::move(other.alive_)) {}

CleanupProcess::~CleanupProcess() {
  if (pid_ < 0) return;
  alive_.reset();
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) continue;
}

}  // namespace berth::sys
