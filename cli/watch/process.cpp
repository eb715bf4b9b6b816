#include "cli/watch/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "sys/sealed_self.h"
#include "sys/terminal.h"

namespace berth::cli {
namespace {

/// Ours once more, as it would have been called for the same project.
std::vector<std::string> watch_arguments(const Context& context, const compose::Project& project,
                                         const std::vector<std::string>& services) {
  std::vector<std::string> arguments{sys::own_program(), "--project-name=" + project.name, "--ansi=" + context.ansi,
                                     "--progress=plain", "--parallel=" + std::to_string(context.parallel)};
  auto add = [&](const char* flag, const std::vector<std::string>& values) {
    for (const std::string& value : values) arguments.push_back(std::string(flag) + "=" + value);
  };
  add("--file", context.files);
  add("--profile", context.profiles);
  add("--env-file", context.env_files);
  if (!context.project_directory.empty()) add("--project-directory", {context.project_directory});
  if (context.compatibility) arguments.push_back("--compatibility");
  arguments.insert(arguments.end(), {"watch", "--no-up", "--of-up"});
  arguments.insert(arguments.end(), services.begin(), services.end());
  return arguments;
}

}  // namespace

Result<WatchProcess> WatchProcess::start(const Context& context, const compose::Project& project,
                                         const std::vector<std::string>& services, TakeLine take) {
  const std::vector<std::string>& files = project.config_files;
  if (std::find(files.begin(), files.end(), "-") != files.end())
    return make_error("a project that comes from standard input cannot be watched by `up`",
                      "write it to a file, or use `berth watch`");
  int pipes[2];
  if (pipe2(pipes, O_CLOEXEC) != 0) return sys_error("pipe", errno);
  sys::UniqueFd output(pipes[0]), input(pipes[1]);
  std::vector<std::string> arguments = watch_arguments(context, project, services);
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, input.get(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, input.get(), STDERR_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  // A group of its own: Ctrl-C is for us, and we tell it.
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
  pid_t pid = -1;
  const int error = posix_spawn(&pid, argv.front(), &actions, &attributes, argv.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return sys_error("start " + arguments.front(), error);
  if (fcntl(output.get(), F_SETFL, O_NONBLOCK) != 0) return sys_error("fcntl", errno);
  BERTH_TRY(sys::Pidfd process, sys::Pidfd::open(pid));
  return WatchProcess(std::move(process), std::move(output), std::move(take));
}

bool WatchProcess::pump() {
  for (;;) {
    char buffer[16384];
    const ssize_t size = read(output_.get(), buffer, sizeof buffer);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return true;  // nothing more for now
    open_line_.append(buffer, static_cast<size_t>(std::max<ssize_t>(size, 0)));
    for (size_t end; (end = open_line_.find('\n')) != std::string::npos; open_line_.erase(0, end + 1))
      take_(open_line_.substr(0, end));
    if (size > 0) continue;
    if (!open_line_.empty()) take_(std::exchange(open_line_, {}));
    return false;
  }
}

WatchProcess::~WatchProcess() {
  if (!process_.valid()) return;
  (void)process_.signal(SIGTERM);  // it may have ended
  while (pump()) {
    pollfd output{output_.get(), POLLIN, 0};
    poll(&output, 1, -1);
  }
  (void)sys::reap(process_);
}

}  // namespace berth::cli
