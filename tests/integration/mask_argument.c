// mask_argument cgroup.kill|CLONE_INTO_CGROUP -- COMMAND...: runs the command, and all that it starts, on a kernel that
// does not know this file or this flag. Unlike the calls of mask.c these are told by what an argument points to, which only
// another process can read: it answers the calls (seccomp_unotify(2)) for as long as one of those it answers lives.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

// Up to `size` bytes of another process, not over the end of their page, which may be the last.
static size_t look(pid_t pid, unsigned long long address, void* bytes, size_t size) {
  const size_t page = 4096, left = page - address % page;
  struct iovec here = {bytes, size < left ? size : left}, there = {(void*)address, here.iov_len};
  const ssize_t got = process_vm_readv(pid, &here, 1, &there, 1, 0);
  return got < 0 ? 0 : (size_t)got;
}

static int refusal(const struct seccomp_notif* call) {
  if (call->data.nr == SYS_clone3) {
    unsigned long long flags = 0;
    look(call->pid, call->data.args[0], &flags, sizeof flags);
    return flags & CLONE_INTO_CGROUP ? E2BIG : 0;  // as of an argument that is longer than the kernel knows
  }
  char name[sizeof "cgroup.kill"] = "";
  look(call->pid, call->data.args[1], name, sizeof name);
  return memcmp(name, "cgroup.kill", sizeof name) == 0 ? ENOENT : 0;
}

static void answer(int listener) {
  struct pollfd calls = {listener, POLLIN, 0};
  while (poll(&calls, 1, -1) > 0 && calls.revents & POLLIN) {
    struct seccomp_notif call = {0};
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call) != 0) continue;  // killed meanwhile
    struct seccomp_notif_resp verdict = {.id = call.id, .error = -refusal(&call)};
    if (verdict.error == 0) verdict.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &verdict);
  }
  exit(0);
}

// Takes the listener of the process `pid`, which tells its number, and is nobody's child and holds nobody's output.
static void start_answering(pid_t pid, int channel) {
  int listener, null = open("/dev/null", O_RDWR);
  setsid();
  if (fork() != 0) _exit(0);
  for (int stream = 0; stream < 3; ++stream) dup2(null, stream);
  if (read(channel, &listener, sizeof listener) != sizeof listener) exit(1);
  listener = (int)syscall(SYS_pidfd_getfd, syscall(SYS_pidfd_open, pid, 0), listener, 0);
  if (listener < 0 || write(channel, "", 1) != 1) exit(1);
  close(channel);
  answer(listener);
}

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  const unsigned call = strcmp(argv[1], "cgroup.kill") == 0 ? SYS_openat : SYS_clone3;
  struct sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
  int channel[2];
  const pid_t ourselves = getpid();
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel) != 0) return perror("mask_argument"), 2;
  if (fork() == 0) close(channel[0]), start_answering(ourselves, channel[1]);
  close(channel[1]);
  wait(NULL);
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  const int listener = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
  char known;
  if (listener < 0 || write(channel[0], &listener, sizeof listener) < 0 || read(channel[0], &known, 1) != 1)
    return perror("mask_argument"), 2;
  execvp(argv[3], argv + 3);
  return perror(argv[3]), 127;
}
