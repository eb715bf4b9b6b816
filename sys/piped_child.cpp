#include "sys/piped_child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>

#include "sys/file.h"
#include "sys/terminal.h"

namespace berth::sys {
namespace {

struct Pipe {
  UniqueFd read, write;
};

Result<Pipe> make_pipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return sys_error("pipe", errno);
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> list;
  for (std::string& text : texts) list.push_back(text.data());
  list.push_back(nullptr);
  return list;
}

Status unblock(const UniqueFd& fd) {
  return fcntl(fd.get(), F_SETFL, O_NONBLOCK) == 0 ? Status() : Status(sys_error("fcntl", errno));
}

/// What the child says if it does not come to be the program: why. Nothing once it is.
int failure_of(const UniqueFd& fd) {
  int error = 0;
  ssize_t size = 0;
  do size = read(fd.get(), &error, sizeof error);
  while (size < 0 && errno == EINTR);
  return size == sizeof error ? error : 0;
}

}  // namespace

Result<PipedChild> start_piped(const std::string& program, std::vector<std::string> arguments,
                               std::vector<std::string> environment) {
  arguments.insert(arguments.begin(), program);
  const std::vector<char*> argv = pointers(arguments), envp = pointers(environment);
  BERTH_TRY(Pipe in, make_pipe());
  BERTH_TRY(Pipe out, make_pipe());
  BERTH_TRY(Pipe err, make_pipe());
  BERTH_TRY(Pipe failed, make_pipe());
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid < 0) return sys_error("fork", errno);
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) _exit(127);  // it died before the line above
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    if (dup2(in.read.get(), STDIN_FILENO) >= 0 && dup2(out.write.get(), STDOUT_FILENO) >= 0 &&
        dup2(err.write.get(), STDERR_FILENO) >= 0)
      execve(program.c_str(), argv.data(), envp.data());
    const int error = errno;
    (void)write_all(failed.write.ref(), {reinterpret_cast<const char*>(&error), sizeof error});  // nobody else to tell
    _exit(127);
  }
  for (UniqueFd* theirs : {&in.read, &out.write, &err.write, &failed.write}) theirs->reset();
  BERTH_TRY(Pidfd process, Pidfd::open(pid));
  if (const int error = failure_of(failed.read); error != 0) {
    (void)reap(process);
    return sys_error("start " + program, error);
  }
  for (const UniqueFd* ours : {&in.write, &out.read, &err.read}) BERTH_TRY_OK(unblock(*ours));
  return PipedChild{std::move(process), std::move(in.write), std::move(out.read), std::move(err.read)};
}

}  // namespace berth::sys
