// mask CALL=ERRNO... -- COMMAND...: runs the command, and all that it starts, on a kernel that answers these system calls
// with that error, as an older one or a container around berth would.

#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CALL(name) {#name, SYS_##name, 0}
static const struct {
  const char* name;
  unsigned number;
  unsigned command;  // of an ioctl
} calls[] = {
    CALL(bpf),       CALL(clone3),     CALL(close_range),   CALL(copy_file_range),  CALL(execveat),   CALL(fsconfig),
    CALL(fsmount),   CALL(fsopen),     CALL(memfd_create),  CALL(mount_setattr),    CALL(move_mount), CALL(open_tree),
    CALL(openat2),   CALL(pidfd_open), CALL(pidfd_getfd),   CALL(pidfd_send_signal), CALL(renameat2), CALL(seccomp),
    CALL(keyctl),    CALL(statx),      {"pidfd_get_info", SYS_ioctl, 0xc040ff0b},  // with the size that berth gives
};

int main(int argc, char** argv) {
  struct sock_filter filter[64] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))};
  unsigned short length = 1;
  int at = 1;
  for (; at < argc && strcmp(argv[at], "--") != 0; ++at) {
    char* error = strchr(argv[at], '=');
    if (error == NULL || length > 58) return 2;
    *error++ = '\0';
    size_t i = 0;
    while (i < sizeof calls / sizeof *calls && strcmp(calls[i].name, argv[at]) != 0) ++i;
    if (i == sizeof calls / sizeof *calls) return fprintf(stderr, "mask: %s is not in the table\n", argv[at]), 2;
    unsigned code = strcmp(error, "EPERM") == 0 ? EPERM : strcmp(error, "ENOTTY") == 0 ? ENOTTY : ENOSYS;
    const struct sock_filter refuse = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | code);
    if (calls[i].command == 0) {
      filter[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i].number, 0, 1);
      filter[length++] = refuse;
    } else {
      filter[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i].number, 0, 4);
      filter[length++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1]));
      filter[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i].command, 0, 1);
      filter[length++] = refuse;
      filter[length++] = filter[0];
    }
  }
  filter[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  struct sock_fprog program = {length, filter};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
    return perror("mask"), 2;
  execvp(argv[at + 1], argv + at + 1);
  return perror(argv[at + 1]), 127;
}
