#include "supervise/keeper/os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sys/execute_sealed.h"

namespace berth::keeper {

int64_t now_ns(clockid_t clock) {
  timespec now;
  clock_gettime(clock, &now);
  return static_cast<int64_t>(now.tv_sec) * 1000000000 + now.tv_nsec;
}

void complain(const char* what) {
  char line[256];
  int n = snprintf(line, sizeof line, "berth-keeper: %s: %s\n", what, strerror(errno));
  if (n > 0 && write(2, line, static_cast<size_t>(n)) < 0) return;  // nothing else can be done
}

[[noreturn]] void die(const char* what) {
  complain(what);
  _exit(1);
}

void enter_group(const char* directory) {
  char path[4096];
  snprintf(path, sizeof path, "%s/cgroup.procs", directory);
  int procs = open(path, O_WRONLY | O_CLOEXEC);
  if (procs < 0 || write(procs, "0", 1) != 1) complain(path);
  if (procs >= 0) close(procs);
}

void execute_sealed(const char* program, const char* argument) {
  char* argv[] = {const_cast<char*>(program), const_cast<char*>(argument), nullptr};
  bool mounted = false;
  (void)sys::execute_sealed(program, argv, mounted);
  execv(program, argv);
}

uint64_t start_time_of(pid_t pid) {
  char path[32], text[1024];
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  ssize_t n = read(fd, text, sizeof text - 1);
  close(fd);
  if (n <= 0) return 0;
  text[n] = '\0';
  const char* at = strrchr(text, ')');  // the command's name may hold anything, so count from its end
  for (int field = 2; at != nullptr && field < 22; ++field) at = strchr(at + 1, ' ');
  return at == nullptr ? 0 : strtoull(at, nullptr, 10);
}

}  // namespace berth::keeper
