#include "cli/helper.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "sys/file.h"
#include "sys/pidfd.h"
#include "sys/sealed_self.h"
#include "sys/terminal.h"

namespace berth::cli {

Result<std::string> helper(const std::string& name) {
  std::string own = sys::own_program();
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

namespace {

/// How its process differs from ours.
struct Placement {
  sys::FdRef error{-1};    // stderr; -1 = ours
  bool own_group = false;  // a process group of its own: Ctrl-C does not reach it
};

Result<sys::Pidfd> start_helper(const Context& context, const std::string& name, const std::string& word,
                                const std::string& request, const Placement& placement) {
  BERTH_TRY(std::string program, helper(name));
  BERTH_TRY(sys::UniqueFd input, sys::memory_file(word, request));
  std::string progress = "--progress=" + context.progress, ansi = "--ansi=" + context.ansi;
  std::string parallel = "--parallel=" + std::to_string(context.parallel), command = word;
  char* arguments[] = {program.data(), progress.data(), ansi.data(), parallel.data(), command.data(), nullptr};
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, input.get(), STDIN_FILENO);
  if (placement.error.valid()) posix_spawn_file_actions_adddup2(&files, placement.error.get(), STDERR_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  // Signals that we take from a descriptor are to strike it.
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  const int group = placement.own_group ? POSIX_SPAWN_SETPGROUP : 0;
  posix_spawnattr_setflags(&attributes, static_cast<short>(POSIX_SPAWN_SETSIGMASK | group));
  pid_t pid = -1;
  int error = posix_spawn(&pid, program.c_str(), &files, &attributes, arguments, environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  if (error != 0) return sys_error("start " + program, error);
  return sys::Pidfd::open(pid);
}

}  // namespace

Result<int> run_helper(const Context& context, const std::string& name, const std::string& word,
                       const std::string& request) {
  BERTH_TRY(sys::Pidfd child, start_helper(context, name, word, request, {}));
  sys::pass_signals_until_exit(child);
  return sys::reap(child);
}

Result<int> run_helper(const Context& context, const std::string& name, const std::string& word,
                       const std::string& request, const HelperWatch& watch) {
  constexpr int kAskMs = 100;
  sys::UniqueFd read_end, write_end;
  if (watch.output) {
    int pipes[2];
    if (pipe2(pipes, O_CLOEXEC) != 0) return sys_error("pipe", errno);
    read_end.reset(pipes[0]);
    write_end.reset(pipes[1]);
  }
  BERTH_TRY(sys::Pidfd child, start_helper(context, name, word, request, {write_end.ref(), true}));
  write_end.reset();
  for (bool ended = false, told = false; !ended || read_end.valid();) {
    pollfd fds[] = {{ended ? -1 : child.fd().get(), POLLIN, 0}, {read_end.get(), POLLIN, 0}};
    poll(fds, 2, kAskMs);
    ended = ended || fds[0].revents != 0;
    if (read_end.valid() && fds[1].revents != 0) {
      char buffer[16384];
      ssize_t n = read(read_end.get(), buffer, sizeof buffer);
      if (n > 0) watch.output({buffer, static_cast<size_t>(n)});
      if (n == 0 || (n < 0 && errno != EINTR)) read_end.reset();
    }
    if (!told && watch.cancelled()) told = true, (void)child.signal(SIGTERM);  // gone already: just as well
  }
  return sys::reap(child);
}

}  // namespace berth::cli
