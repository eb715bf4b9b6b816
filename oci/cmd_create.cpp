// create and run.
//
// On record comes first what has to be found after a crash: the directory, then the record with the path of the control
// groups and who makes them. The process waits for us at two points (runtime/meeting.h): before its root changes, where
// hooks of the runtime run, and when it is ready, where its number goes on record. Whoever dies in between ends it: it
// goes on only when told so.

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>

#include "base/text.h"
#include "oci/commands.h"
#include "oci/hooks.h"
#include "runtime/launch.h"
#include "sys/file.h"

namespace berth::oci {
namespace {

/// A container on its way.
struct Making {
  const Context& context;
  StateDir dir;
  Config config;
  Record record;
  sys::UniqueFd hook_input;  // what hooks inside read; empty without such hooks
  bool launched = false;     // the control groups are ours

  [[nodiscard]] Status tell_hooks(Phase phase) const {
    if (!hook_input.valid()) return {};
    std::string text = hook_state(record, phase);
    if (ftruncate(hook_input.get(), 0) != 0 || lseek(hook_input.get(), 0, SEEK_SET) != 0) {
      return sys_error("write the state for hooks", errno);
    }
    return sys::write_all(hook_input.ref(), text);
  }

  [[nodiscard]] Status meet(runtime::Meeting point, pid_t pid) {
    BERTH_TRY(record.process, sys::identify(pid));
    if (point == runtime::Meeting::before_pivot) {
      std::string state = hook_state(record, Phase::creating);
      BERTH_TRY_OK(tell_hooks(Phase::creating));
      BERTH_TRY_OK(run_hooks("prestart", config.hooks.prestart, state));
      return run_hooks("createRuntime", config.hooks.create_runtime, state);
    }
    BERTH_TRY_OK(tell_hooks(Phase::created));
    return dir.write(record);
  }
};

Result<std::string> enter_bundle(const Arguments& arguments) {
  std::string bundle = arguments.has("bundle") ? arguments.value("bundle") : ".";
  if (chdir(bundle.c_str()) != 0) return sys_error("enter the bundle " + printable(bundle), errno);
  char path[PATH_MAX];
  if (getcwd(path, sizeof path) == nullptr) return sys_error("getcwd", errno);
  return std::string(path);
}

Record first_record(const std::string& id, const std::string& bundle, const Config& config) {
  Record record;
  record.id = id;
  record.bundle = bundle;
  record.rootfs = config.spec.rootfs;
  record.spec_version = kSpecVersion;
  record.created = timestamp();
  record.owner = geteuid();
  record.creator = sys::identify(getpid()).value_or({});
  record.cgroup_path = config.spec.cgroup_path;
  record.annotations = config.annotations;
  record.poststart = config.hooks.poststart;
  record.poststop = config.hooks.poststop;
  return record;
}

Result<sys::UniqueFd> open_gate(const StateDir& dir) {
  if (mkfifo(dir.gate().c_str(), 0600) != 0) return sys_error("make FIFO " + dir.gate(), errno);
  // For writing too: a FIFO without a writer is at its end, and nobody would wait.
  return sys::open_file(dir.gate(), O_RDWR);
}

Result<sys::UniqueFd> make_hook_input(const Config& config) {
  const runtime::ContainerSpec::Bare& bare = *config.spec.bare;
  if (bare.create_container.empty() && bare.start_container.empty()) return sys::UniqueFd();
  sys::UniqueFd file(memfd_create("state", MFD_CLOEXEC));
  if (!file.valid()) return sys_error("memfd_create", errno);
  return file;
}

Result<runtime::Running> launch(Making& making, sys::FdRef gate) {
  BERTH_TRY(runtime::Host host, runtime::Host::discover(""));
  runtime::LaunchIo io;
  io.in = sys::FdRef(STDIN_FILENO);
  io.out = sys::FdRef(STDOUT_FILENO);
  io.err = sys::FdRef(STDERR_FILENO);
  io.netns = sys::FdRef(making.config.netns);
  io.gate = gate;
  io.hook_input = making.hook_input.ref();
  const runtime::ContainerSpec::Bare& bare = *making.config.spec.bare;
  io.stop_before_pivot = !making.config.hooks.prestart.empty() || !making.config.hooks.create_runtime.empty() ||
                         !bare.create_container.empty();
  io.on_meeting = [&making](runtime::Meeting point, pid_t pid) { return making.meet(point, pid); };
  BERTH_TRY(runtime::Launch launch, runtime::Launch::start(host, making.config.spec, io));
  BERTH_TRY(runtime::Running running, launch.finish());
  making.launched = true;
  return running;
}

/// What the caller asked to have when the process is there.
Status hand_over(const Arguments& arguments, const ConsoleChoice& console, runtime::Running& running) {
  if (!console.socket.empty()) {
    BERTH_TRY_OK(send_console(console.socket, running.console_master.ref()));
    running.console_master.reset();
  }
  if (!arguments.has("pid-file")) return {};
  return sys::write_file_atomic(arguments.value("pid-file"), std::to_string(running.pid), sys::Durability::none);
}

/// What is on record as ours will be killed by delete: it must not be somebody else's.
Status check_cgroup(const std::string& path) {
  BERTH_TRY(runtime::CgroupMounts mounts, runtime::CgroupMounts::discover());
  Result<runtime::Cgroup> group = runtime::Cgroup::open(mounts, path);
  if (!group) return group.error().code == ENOENT ? Status() : Status(std::move(group).error());
  BERTH_TRY(bool populated, group->populated());
  return populated ? Status(sys_error(fmt::format("control group {} has processes", path), EBUSY)) : Status();
}

Result<Making> begin(const Context& context, const Arguments& arguments) {
  BERTH_TRY(std::string id, only_operand(arguments));
  BERTH_TRY(StateDir dir, StateDir::of(context.root, id));
  BERTH_TRY(unsigned descriptors, preserved(arguments));
  BERTH_TRY(std::string bundle, enter_bundle(arguments));
  BERTH_TRY(std::string text, sys::read_file("config.json"));
  BERTH_TRY(Config config, read_config(text, {id, bundle, context.seccomp_cache(), !arguments.has("no-pivot"),
                                              !arguments.has("no-new-keyring"), descriptors}));
  for (const std::string& warning : config.warnings) context.log.warn("config.json: " + warning);
  Record record = first_record(id, bundle, config);
  BERTH_TRY_OK(dir.create());
  Making making{context, std::move(dir), std::move(config), std::move(record), {}, false};
  auto prepare = [&]() -> Status {
    BERTH_TRY_OK(check_cgroup(making.record.cgroup_path));
    BERTH_TRY_OK(making.dir.write(making.record));
    BERTH_TRY_OK(sys::write_file_atomic(making.dir.config(), text, sys::Durability::none, 0600));
    BERTH_TRY(making.hook_input, make_hook_input(making.config));
    return {};
  };
  if (Status prepared = prepare(); !prepared) {
    (void)making.dir.remove();  // the first error is the one to report
    return std::move(prepared).error();
  }
  return making;
}

/// Takes back what has been made, since the caller will hear of an error.
Error give_up(Making& making, Error error) {
  if (!making.launched) making.record.cgroup_path.clear();  // a launch that fails has removed its own
  Result<runtime::CgroupMounts> mounts = runtime::CgroupMounts::discover();
  if (!mounts) return error;
  Status destroyed = destroy(making.context, {making.dir, making.record, std::move(*mounts), Phase::stopped});
  if (!destroyed) making.context.log.warn(destroyed.error().message());
  return error;
}

Result<int> stay(const Making& making, const runtime::Running& running, bool keep) {
  int code = wait_in_foreground(running);
  if (keep) return code;
  BERTH_TRY(runtime::CgroupMounts mounts, runtime::CgroupMounts::discover());
  BERTH_TRY_OK(destroy(making.context, {making.dir, making.record, std::move(mounts), Phase::stopped}));
  return code;
}

}  // namespace

Result<int> create(const Context& context, const Arguments& arguments) {
  BERTH_TRY(Making making, begin(context, arguments));
  auto make = [&]() -> Status {
    BERTH_TRY(ConsoleChoice console, choose_console(arguments, making.config.terminal, true));
    BERTH_TRY(sys::UniqueFd gate, open_gate(making.dir));
    BERTH_TRY(runtime::Running running, launch(making, gate.ref()));
    return hand_over(arguments, console, running);
  };
  if (Status made = make(); !made) return give_up(making, std::move(made).error());
  return 0;
}

Result<int> run(const Context& context, const Arguments& arguments) {
  BERTH_TRY(Making making, begin(context, arguments));
  runtime::Running running;
  bool detached = arguments.has("detach");
  auto make = [&]() -> Status {
    BERTH_TRY(ConsoleChoice console, choose_console(arguments, making.config.terminal, detached));
    BERTH_TRY(running, launch(making, sys::FdRef(-1)));
    BERTH_TRY_OK(hand_over(arguments, console, running));
    return run_hooks("poststart", making.record.poststart, hook_state(making.record, Phase::running));
  };
  if (Status made = make(); !made) return give_up(making, std::move(made).error());
  if (detached) return 0;
  return stay(making, running, arguments.has("keep"));
}

}  // namespace berth::oci
