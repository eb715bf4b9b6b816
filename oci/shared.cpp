// What several commands use.

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "base/text.h"
#include "oci/commands.h"
#include "oci/hooks.h"
#include "runtime/launch.h"
#include "sys/file.h"
#include "sys/terminal.h"
#include "sys/unix_socket.h"

namespace berth::oci {

Result<std::string> only_operand(const Arguments& arguments) {
  if (arguments.operands().size() == 1) return arguments.operands().front();
  return make_error("expected the id of one container");
}

Result<runtime::Cgroup> Found::cgroup() const {
  return runtime::Cgroup::open(mounts, record.cgroup_path);
}

Result<Found> find(const Context& context, const std::string& id) {
  BERTH_TRY(StateDir dir, StateDir::of(context.root, id));
  BERTH_TRY(Record record, dir.read());
  BERTH_TRY(runtime::CgroupMounts mounts, runtime::CgroupMounts::discover());
  Phase phase = phase_of(dir, record, mounts);
  return Found{std::move(dir), std::move(record), std::move(mounts), phase};
}

Status destroy(const Context& context, const Found& container) {
  // Only a crash before anything was made leaves no path.
  if (!container.record.cgroup_path.empty()) {
    Result<runtime::Cgroup> group = container.cgroup();
    if (!group && group.error().code != ENOENT) return std::move(group).error();
    if (group) {
      BERTH_TRY_OK(group->kill());
      BERTH_TRY_OK(group->remove());
    }
  }
  BERTH_TRY_OK(container.dir.remove());
  std::string state = hook_state(container.record, Phase::stopped);
  for (const runtime::Hook& hook : container.record.poststop) {
    Status done = run_hooks("poststop", {hook}, state);
    if (!done) context.log.warn(done.error().message());
  }
  return {};
}

Status send_console(const std::string& socket, sys::FdRef master) {
  BERTH_TRY(sys::UniqueFd connection, sys::connect_unix(socket));
  return sys::send_with_fds(connection.ref(), "/dev/ptmx", {master}).context("console socket {}", printable(socket));
}

Result<unsigned> preserved(const Arguments& arguments) {
  BERTH_TRY(int64_t count, arguments.number("preserve-fds"));
  constexpr int64_t kMost = 4096;
  if (count < 0 || count > kMost) return make_error(fmt::format("--preserve-fds: {} is out of range", count));
  for (int fd = 3; fd < 3 + count; ++fd) {
    // What is not open would be taken by a descriptor of ours, and reach the container.
    if (fcntl(fd, F_GETFD) < 0) return sys_error(fmt::format("--preserve-fds: descriptor {}", fd), errno);
  }
  return static_cast<unsigned>(count);
}

Result<ConsoleChoice> choose_console(const Arguments& arguments, bool terminal, bool detached) {
  ConsoleChoice choice{arguments.value("console-socket"), false};
  if (!choice.socket.empty() && !terminal) {
    return make_error("--console-socket without a terminal", "process.terminal is false");
  }
  if (!choice.socket.empty() && !detached) return make_error("--console-socket needs --detach");
  if (terminal && choice.socket.empty() && detached) {
    return make_error("a terminal needs --console-socket, where nobody stays to carry its bytes");
  }
  choice.ours = terminal && choice.socket.empty();
  return choice;
}

int wait_in_foreground(const runtime::Running& running) {
  if (running.console_master.valid())
    sys::attach_terminal(running.console_master.ref(), running.pidfd);
  else
    sys::pass_signals_until_exit(running.pidfd);
  return sys::reap(running.pidfd);
}

}  // namespace berth::oci
