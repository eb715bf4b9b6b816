#include "cli/helper.h"

#include <spawn.h>
#include <unistd.h>

#include <cerrno>

#include "cli/terminal.h"
#include "sys/file.h"
#include "sys/pidfd.h"

namespace berth::cli {

Result<std::string> helper(const std::string& name) {
  char path[4096];
  ssize_t n = readlink("/proc/self/exe", path, sizeof path);
  std::string own(path, n > 0 ? static_cast<size_t>(n) : 0);
  std::string dir = own.substr(0, own.rfind('/') + 1);
  for (const std::string& candidate : {dir + name, dir + "../libexec/berth/" + name}) {
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return make_error("the helper program " + name + " is missing",
                    "it belongs beside " + own + " or in ../libexec/berth");
}

Error become_helper(const std::string& name, char** argv) {
  Result<std::string> path = helper(name);
  if (!path) return std::move(path).error();
  execv(path->c_str(), argv);
  return sys_error("execute " + *path, errno);
}

Result<int> run_helper(const Context& context, const std::string& name, const std::string& word,
                       const std::string& request) {
  BERTH_TRY(std::string program, helper(name));
  BERTH_TRY(sys::UniqueFd input, sys::memory_file(word, request));
  std::string progress = "--progress=" + context.progress, ansi = "--ansi=" + context.ansi;
  std::string parallel = "--parallel=" + std::to_string(context.parallel), command = word;
  char* arguments[] = {program.data(), progress.data(), ansi.data(), parallel.data(), command.data(), nullptr};
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, input.get(), STDIN_FILENO);
  pid_t pid = -1;
  int error = posix_spawn(&pid, program.c_str(), &files, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&files);
  if (error != 0) return sys_error("start " + program, error);
  BERTH_TRY(sys::Pidfd child, sys::Pidfd::open(pid));
  pass_signals_until_exit(child);
  return reap(child);
}

}  // namespace berth::cli
