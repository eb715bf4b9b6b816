#include <fmt/core.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "oci/commands.h"
#include "runtime/exec.h"
#include "sys/file.h"

namespace berth::oci {
namespace {

Status set_user(const std::string& text, runtime::ProcessAttributes& attributes) {
  size_t colon = text.find(':');
  std::optional<unsigned long long> uid = parse_unsigned(text.substr(0, colon));
  std::optional<unsigned long long> gid = colon == std::string::npos ? std::optional<unsigned long long>(attributes.gid)
                                                                     : parse_unsigned(text.substr(colon + 1));
  constexpr unsigned long long kLargest = UINT32_MAX - 1;
  if (!uid || !gid || *uid > kLargest || *gid > kLargest) {
    return make_error(fmt::format("--user: \"{}\" is not of the form UID[:GID]", printable(text)));
  }
  attributes.uid = static_cast<uid_t>(*uid);
  attributes.gid = static_cast<gid_t>(*gid);
  return {};
}

Status set_groups(const Arguments& arguments, runtime::ProcessAttributes& attributes) {
  for (const std::string& text : arguments.values("additional-gids")) {
    std::optional<unsigned long long> gid = parse_unsigned(text);
    if (!gid || *gid >= UINT32_MAX)
      return make_error(fmt::format("--additional-gids: \"{}\" is no group", printable(text)));
    attributes.groups.push_back(static_cast<gid_t>(*gid));
  }
  return {};
}

Status set_caps(const Arguments& arguments, runtime::CapSets& caps) {
  for (const std::string& name : arguments.values("cap")) {
    BERTH_TRY(runtime::CapMask cap, runtime::parse_cap(name).context("--cap"));
    for (runtime::CapMask* set : {&caps.bounding, &caps.effective, &caps.permitted}) *set |= cap;
  }
  return {};
}

/// The container's own process, changed by flags.
Status apply_flags(const Arguments& arguments, ExecConfig& config) {
  runtime::ExecSpec& exec = config.process;
  runtime::ProcessAttributes& attributes = *exec.process;
  exec.args.assign(arguments.operands().begin() + 1, arguments.operands().end());
  exec.tty = config.terminal = arguments.has("tty");
  if (arguments.has("cwd")) exec.cwd = arguments.value("cwd");
  for (const std::string& entry : arguments.values("env")) exec.env.push_back(entry);
  if (arguments.has("user")) BERTH_TRY_OK(set_user(arguments.value("user"), attributes));
  BERTH_TRY_OK(set_groups(arguments, attributes));
  BERTH_TRY_OK(set_caps(arguments, attributes.caps));
  if (arguments.has("no-new-privs")) attributes.no_new_privileges = true;
  if (arguments.has("apparmor")) attributes.apparmor_profile = arguments.value("apparmor");
  if (arguments.has("process-label")) attributes.selinux_label = arguments.value("process-label");
  return {};
}

Status check_flags(const Arguments& arguments) {
  size_t words = arguments.operands().size();
  if (words == 0) return make_error("expected the id of a container");
  if (arguments.has("ignore-paused")) return make_error("--ignore-paused is not supported");
  if (arguments.has("process") ? words > 1 : words < 2) {
    return make_error("expected either --process or a command");
  }
  return {};
}

Status check_phase(Phase phase) {
  if (phase == Phase::stopped || phase == Phase::creating) return make_error("cannot exec in a stopped container");
  if (phase == Phase::paused) return make_error("cannot exec in a paused container");
  return {};
}

}  // namespace

Result<int> exec(const Context& context, const Arguments& arguments) {
  BERTH_TRY_OK(check_flags(arguments));
  BERTH_TRY(unsigned descriptors, preserved(arguments));
  BERTH_TRY(Found container, find(context, arguments.operands().front()));
  BERTH_TRY_OK(check_phase(container.phase));
  BERTH_TRY(std::string text, sys::read_file(container.dir.config()));
  std::string process;
  if (arguments.has("process")) {
    BERTH_TRY(process, sys::read_file(arguments.value("process")));
  }
  BERTH_TRY(ExecConfig config, read_exec_config(text, process,
                                                {container.record.id, container.record.bundle, context.seccomp_cache(),
                                                 true, true, descriptors}));
  for (const std::string& warning : config.warnings) context.log.warn(warning);
  if (process.empty()) BERTH_TRY_OK(apply_flags(arguments, config));
  bool detached = arguments.has("detach");
  BERTH_TRY(ConsoleChoice console,
            choose_console(arguments, config.terminal, detached || arguments.has("console-socket")));

  BERTH_TRY(runtime::Host host, runtime::Host::discover(""));
  BERTH_TRY(sys::Pidfd init, sys::open_identified(container.record.process));
  runtime::LaunchIo io;
  io.in = sys::FdRef(STDIN_FILENO);
  io.out = sys::FdRef(STDOUT_FILENO);
  io.err = sys::FdRef(STDERR_FILENO);
  BERTH_TRY(runtime::Launch launch, runtime::start_exec(host, config.spec, init, config.process, io));
  BERTH_TRY(runtime::Running running, launch.finish());
  if (!console.socket.empty()) {
    BERTH_TRY_OK(send_console(console.socket, running.console_master.ref()));
    running.console_master.reset();
  }
  if (arguments.has("pid-file")) {
    BERTH_TRY_OK(
        sys::write_file_atomic(arguments.value("pid-file"), std::to_string(running.pid), sys::Durability::none));
  }
  return detached ? 0 : wait_in_foreground(running);
}

}  // namespace berth::oci
