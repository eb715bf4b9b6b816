// start, state, kill, delete, pause and resume.

#include <fcntl.h>
#include <fmt/core.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>

#include "base/text.h"
#include "oci/commands.h"
#include "oci/hooks.h"
#include "sys/file.h"
#include "sys/signals.h"

namespace berth::oci {
namespace {

/// Lets the process at the gate go on. Error: it is not there any more.
Status open_gate(const Found& container) {
  Result<sys::UniqueFd> gate = sys::open_file(container.dir.gate(), O_WRONLY | O_NONBLOCK);
  if (!gate) {
    bool gone = gate.error().code == ENXIO;
    return gone ? make_error("the container's process has ended before it was started") : std::move(gate).error();
  }
  BERTH_TRY_OK(sys::write_all(gate->ref(), "s"));
  if (unlink(container.dir.gate().c_str()) != 0) return sys_error("remove " + container.dir.gate(), errno);
  return {};
}

Status check_startable(const Found& container) {
  switch (container.phase) {
    case Phase::created:
      return {};
    case Phase::running:
    case Phase::paused:
      return make_error("cannot start an already running container");
    case Phase::creating:
      return make_error("cannot start a container that is still being created");
    case Phase::stopped:
      return make_error("cannot start a container that has stopped");
  }
  return {};
}

Status signal_all(const runtime::Cgroup& group, int signal) {
  if (signal == SIGKILL) return group.kill();
  BERTH_TRY(std::vector<pid_t> pids, group.processes());
  for (pid_t pid : pids) {
    if (::kill(pid, signal) != 0 && errno != ESRCH) return sys_error(fmt::format("send a signal to {}", pid), errno);
  }
  return {};
}

Result<int> freeze(const Context& context, const Arguments& arguments, Phase from, const char* word) {
  BERTH_TRY(std::string id, only_operand(arguments));
  BERTH_TRY(Found container, find(context, id));
  bool created = from == Phase::running && container.phase == Phase::created;
  if (container.phase != from && !created) {
    return make_error(fmt::format("cannot {} container {}: it is {}", word, id, phase_name(container.phase)));
  }
  BERTH_TRY(runtime::Cgroup group, container.cgroup());
  BERTH_TRY_OK(from == Phase::paused ? group.thaw() : group.freeze());
  return 0;
}

}  // namespace

Result<int> start(const Context& context, const Arguments& arguments) {
  BERTH_TRY(std::string id, only_operand(arguments));
  BERTH_TRY(Found first_look, find(context, id));
  BERTH_TRY(sys::FileLock lock, first_look.dir.lock());
  BERTH_TRY(Found container, find(context, id));  // as nobody changes it any more
  BERTH_TRY_OK(check_startable(container));
  BERTH_TRY_OK(open_gate(container));
  std::string state = hook_state(container.record, Phase::running);
  Status done = run_hooks("poststart", container.record.poststart, state);
  if (done) return 0;
  // The specification wants a container ended whose hook fails here; `delete` removes it.
  BERTH_TRY(runtime::Cgroup group, container.cgroup());
  BERTH_TRY_OK(group.kill());
  return std::move(done).error();
}

Result<int> state(const Context& context, const Arguments& arguments) {
  BERTH_TRY(std::string id, only_operand(arguments));
  BERTH_TRY(Found container, find(context, id));
  fmt::print("{}\n", state_json(container.record, container.phase, true));
  return 0;
}

Result<int> kill(const Context& context, const Arguments& arguments) {
  const std::vector<std::string>& words = arguments.operands();
  if (words.empty() || words.size() > 2) return make_error("expected a container and at most one signal");
  std::string word = words.size() == 2 ? words[1] : "SIGTERM";
  std::optional<int> signal = sys::parse_signal(word);
  if (!signal) return make_error(fmt::format("unknown signal \"{}\"", printable(word)));
  BERTH_TRY(Found container, find(context, words[0]));
  if (arguments.has("all")) {
    Result<runtime::Cgroup> group = container.cgroup();
    if (!group && group.error().code == ENOENT) return 0;  // nobody is left
    if (!group) return std::move(group).error();
    BERTH_TRY_OK(signal_all(*group, *signal));
    return 0;
  }
  if (container.phase == Phase::stopped || container.phase == Phase::creating) {
    return make_error("container not running");
  }
  BERTH_TRY(sys::Pidfd process, sys::open_identified(container.record.process).context("container not running"));
  BERTH_TRY_OK(process.signal(*signal));
  return 0;
}

namespace {

/// A record that cannot be read is none; what is left of a container is then found by its configuration.
Result<Found> find_remains(const Context& context, const StateDir& dir, const std::string& id) {
  Result<Found> found = find(context, id);
  if (found) return found;
  BERTH_TRY(runtime::CgroupMounts mounts, runtime::CgroupMounts::discover());
  context.log.warn(found.error().message());
  Record record;
  record.id = id;
  if (Result<std::string> text = sys::read_file(dir.config()); text) {
    if (Result<std::string> path = cgroup_path_in(*text, id); path) record.cgroup_path = std::move(*path);
  }
  return Found{dir, std::move(record), std::move(mounts), Phase::stopped};
}

}  // namespace

Result<int> delete_container(const Context& context, const Arguments& arguments) {
  BERTH_TRY(std::string id, only_operand(arguments));
  BERTH_TRY(StateDir dir, StateDir::of(context.root, id));
  bool force = arguments.has("force");
  if (force && !dir.exists()) return 0;
  if (!dir.exists()) return dir.missing();
  BERTH_TRY(sys::FileLock lock, dir.lock());
  BERTH_TRY(Found container, force ? find_remains(context, dir, id) : find(context, id));
  bool allowed = container.phase == Phase::stopped || container.phase == Phase::created;
  if (!allowed && !force) {
    return make_error(
        fmt::format("cannot delete container {} that is not stopped: {}", id, phase_name(container.phase)));
  }
  BERTH_TRY_OK(destroy(context, container));
  return 0;
}

Result<int> pause(const Context& context, const Arguments& arguments) {
  return freeze(context, arguments, Phase::running, "pause");
}

Result<int> resume(const Context& context, const Arguments& arguments) {
  return freeze(context, arguments, Phase::paused, "resume");
}

}  // namespace berth::oci
