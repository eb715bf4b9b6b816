#include "oci/hooks.h"

#include <fmt/core.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "base/text.h"
#include "sys/file.h"
#include "sys/pidfd.h"

namespace berth::oci {
namespace {

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

Result<sys::Pidfd> spawn(const runtime::Hook& hook, sys::FdRef input) {
  std::vector<std::string> arguments = hook.args.empty() ? std::vector<std::string>{hook.path} : hook.args;
  std::vector<std::string> environment = hook.env;
  std::vector<char*> argv = pointers(arguments), envp = pointers(environment);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, input.get(), STDIN_FILENO);
  pid_t pid = -1;
  int failed = posix_spawn(&pid, hook.path.c_str(), &files, nullptr, argv.data(), envp.data());
  posix_spawn_file_actions_destroy(&files);
  if (failed != 0) return sys_error("execute it", failed);
  return sys::Pidfd::open(pid);
}

Status run(const runtime::Hook& hook, const std::string& state) {
  BERTH_TRY(sys::UniqueFd input, sys::memory_file("state", state));
  BERTH_TRY(sys::Pidfd process, spawn(hook, input.ref()));
  bool in_time = process.wait_exit(hook.timeout_s > 0 ? hook.timeout_s * 1000 : -1);
  if (!in_time) BERTH_TRY_OK(process.signal(SIGKILL));
  siginfo_t info{};
  while (waitid(P_PIDFD, static_cast<id_t>(process.fd().get()), &info, WEXITED) != 0 && errno == EINTR) continue;
  if (!in_time) return make_error(fmt::format("took longer than {} s", hook.timeout_s));
  if (info.si_code == CLD_EXITED && info.si_status == 0) return {};
  if (info.si_code == CLD_EXITED) return make_error(fmt::format("ended with exit code {}", info.si_status));
  return make_error(fmt::format("was ended by signal {}", info.si_status));
}

}  // namespace

Status run_hooks(const char* kind, const std::vector<runtime::Hook>& hooks, const std::string& state) {
  for (size_t i = 0; i < hooks.size(); ++i) {
    BERTH_TRY_OK(run(hooks[i], state).context("{} hook {} ({})", kind, i, printable(hooks[i].path)));
  }
  return {};
}

}  // namespace berth::oci
