// crash_at REPORT WHERE WHOM WHICH N [PID...] -- COMMAND...
//
// Runs COMMAND and follows it, berth's helpers that it starts, and the helpers PID..., by ptrace. At the N-th system call
// that a process of role WHERE begins, and before the kernel carries it out, all processes of the roles WHOM (joined by
// commas) die by SIGKILL. A role is the name of the program: berth, berth-keeper, berth-supervisor, berth-images.
// WHICH: all = each system call counts, effects = those that change or tell something outside of the process,
// files = those that change files.
//
// REPORT gets one line: `struck N CALL`, or `ended N` where COMMAND was over after N of them. Exits as COMMAND does.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kMaxTasks = 4096, kRole = 32 };

struct Task {
  pid_t id, process;
  char role[kRole];
};

static struct Task tasks[kMaxTasks];
static int task_count = 0;
static const char *where, *whom, *which;
static long wanted, counted = 0;
static int struck = 0;
static long struck_call = -1;

static const int kFiles[] = {SYS_rename,  SYS_renameat, SYS_renameat2, SYS_unlink,   SYS_unlinkat,  SYS_mkdir, SYS_mkdirat, SYS_rmdir,
                             SYS_symlink, SYS_link,     SYS_linkat,    SYS_symlinkat, SYS_ftruncate, SYS_mknod, SYS_mknodat};

// What leaves no trace outside of the process that does it. A kill before one of these leaves what a kill before the next
// other call leaves.
static const int kHarmless[] = {
    SYS_futex, SYS_mmap, SYS_munmap, SYS_mprotect, SYS_brk, SYS_madvise, SYS_mremap, SYS_rt_sigaction, SYS_rt_sigprocmask,
    SYS_epoll_wait, SYS_epoll_pwait, SYS_epoll_ctl, SYS_epoll_create1, SYS_eventfd2, SYS_timerfd_create, SYS_timerfd_settime,
    SYS_getpid, SYS_gettid, SYS_geteuid, SYS_getuid, SYS_getgid, SYS_getegid, SYS_fstat, SYS_newfstatat, SYS_stat, SYS_lstat,
    SYS_statx, SYS_lseek, SYS_close, SYS_close_range, SYS_clock_gettime, SYS_clock_nanosleep, SYS_nanosleep, SYS_poll, SYS_ppoll,
    SYS_getdents64, SYS_readlink, SYS_readlinkat, SYS_access, SYS_faccessat, SYS_faccessat2, SYS_dup, SYS_dup2, SYS_dup3,
    SYS_pipe2, SYS_socket, SYS_socketpair, SYS_getsockopt, SYS_setsockopt, SYS_getsockname, SYS_getpeername, SYS_pread64,
    SYS_prlimit64, SYS_getrandom, SYS_getcwd, SYS_uname, SYS_set_robust_list, SYS_set_tid_address, SYS_rseq, SYS_arch_prctl,
    SYS_prctl, SYS_sched_yield, SYS_sched_getaffinity, SYS_memfd_create, SYS_signalfd4, SYS_pidfd_open, SYS_waitid,
    SYS_statfs, SYS_fstatfs, SYS_getxattr, SYS_fgetxattr, SYS_lgetxattr, SYS_listxattr, SYS_restart_syscall, SYS_membarrier,
    SYS_sysinfo, SYS_getrlimit, SYS_capget, SYS_fcntl, SYS_openat2, SYS_ioctl, SYS_rt_sigreturn, SYS_sigaltstack};

static int one_of(const int *calls, size_t size, long call) {
  for (size_t i = 0; i < size; ++i)
    if (calls[i] == call) return 1;
  return 0;
}

static int counts(const struct __ptrace_syscall_info *info) {
  long call = (long)info->entry.nr;
  if (strcmp(which, "all") == 0) return 1;
  if (strcmp(which, "files") == 0) return one_of(kFiles, sizeof kFiles / sizeof *kFiles, call);
  if (call == SYS_openat) return (info->entry.args[2] & O_CREAT) != 0;
  return !one_of(kHarmless, sizeof kHarmless / sizeof *kHarmless, call);
}

static void die(const char *what) {
  fprintf(stderr, "crash_at: %s: %s\n", what, strerror(errno));
  exit(99);
}

static struct Task *find(pid_t id) {
  for (int i = 0; i < task_count; ++i)
    if (tasks[i].id == id) return &tasks[i];
  return NULL;
}

static void forget(pid_t id) {
  struct Task *task = find(id);
  if (task != NULL) *task = tasks[--task_count];
}

static struct Task *add(pid_t id, pid_t process, const char *role) {
  if (task_count == kMaxTasks) die("too many tasks");
  struct Task *task = &tasks[task_count++];
  task->id = id;
  task->process = process;
  snprintf(task->role, kRole, "%s", role);
  return task;
}

/// The number behind `key` in /proc/ID/status.
static pid_t status_of(pid_t id, const char *key) {
  char path[64], line[256];
  snprintf(path, sizeof path, "/proc/%d/status", id);
  FILE *file = fopen(path, "r");
  pid_t found = 0;
  while (file != NULL && found == 0 && fgets(line, sizeof line, file) != NULL)
    if (strncmp(line, key, strlen(key)) == 0) found = atoi(line + strlen(key));
  if (file != NULL) fclose(file);
  return found;
}

static int is_helper(const char *role) {
  return strcmp(role, "berth") == 0 || strncmp(role, "berth-", 6) == 0;
}

static void take_name(const char *path, char role[kRole]) {
  const char *slash = strrchr(path, '/');
  snprintf(role, kRole, "%.*s", kRole - 1, slash == NULL ? path : slash + 1);
}

/// The name of the program's file, since what a command has become keeps the words of its command line; a sealed one has
/// no name but those.
static void read_role(pid_t process, char role[kRole]) {
  char path[64], text[4096] = "";
  snprintf(path, sizeof path, "/proc/%d/exe", process);
  ssize_t size = readlink(path, text, sizeof text - 1);
  text[size < 0 ? 0 : size] = '\0';
  take_name(text, role);
  if (is_helper(role)) return;
  snprintf(path, sizeof path, "/proc/%d/cmdline", process);
  int fd = open(path, O_RDONLY);
  size = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
  text[size < 0 ? 0 : size] = '\0';
  if (fd >= 0) close(fd);
  take_name(text, role);
}

static void resume(pid_t id, int signal) {
  // After the strike nobody is of interest any more.
  ptrace(struck ? PTRACE_DETACH : PTRACE_SYSCALL, id, NULL, (void *)(long)signal);
  if (struck) forget(id);
}

static void leave(pid_t id) {
  ptrace(PTRACE_DETACH, id, NULL, NULL);
  forget(id);
}

static int is_victim(const char *role) {
  size_t length = strlen(role);
  for (const char *at = whom; length > 0 && (at = strstr(at, role)) != NULL; at += length)
    if ((at == whom || at[-1] == ',') && (at[length] == ',' || at[length] == '\0')) return 1;
  return 0;
}

static void strike(long call) {
  struck = 1;
  struck_call = call;
  for (int i = 0; i < task_count; ++i)
    if (is_victim(tasks[i].role)) kill(tasks[i].process, SIGKILL);
}

/// A task that we see for the first time: a thread of a process that we follow, or a process that one of these made.
static void arrive(pid_t id) {
  pid_t process = status_of(id, "Tgid:");
  struct Task *sibling = NULL;
  for (int i = 0; i < task_count; ++i)
    if (tasks[i].process == process) sibling = &tasks[i];
  if (sibling != NULL) {
    add(id, process, sibling->role);
    return resume(id, 0);
  }
  // What a supervisor or a program of images starts is none of berth's, unless it executes something; a keeper and a
  // command start helpers.
  struct Task *parent = find(status_of(id, "PPid:"));
  int follow = parent != NULL && (strcmp(parent->role, "berth") == 0 || strcmp(parent->role, "berth-keeper") == 0);
  // A container is a child of the keeper, made by the supervisor.
  if (follow) {
    char path[64], ours[64] = "", theirs[64] = "";
    snprintf(path, sizeof path, "/proc/%d/ns/pid", id);
    if (readlink("/proc/self/ns/pid", ours, sizeof ours - 1) < 0 || readlink(path, theirs, sizeof theirs - 1) < 0 ||
        strcmp(ours, theirs) != 0)
      follow = 0;
  }
  add(id, process, "new");
  if (follow) return resume(id, 0);
  leave(id);
}

static void on_stop(pid_t id, int status) {
  struct Task *task = find(id);
  int signal = WSTOPSIG(status), event = status >> 16;
  if (task == NULL) return arrive(id);
  if (event == PTRACE_EVENT_EXEC) {
    char role[kRole];
    read_role(task->process, role);
    if (!is_helper(role)) return leave(id);
    snprintf(task->role, kRole, "%s", role);
    return resume(id, 0);
  }
  if (event != 0) return resume(id, 0);
  if (signal != (SIGTRAP | 0x80)) return resume(id, signal);
  struct __ptrace_syscall_info info;
  if (!struck && strcmp(task->role, where) == 0 &&
      ptrace(PTRACE_GET_SYSCALL_INFO, id, (void *)sizeof info, &info) > 0 && info.op == PTRACE_SYSCALL_INFO_ENTRY &&
      counts(&info) && ++counted == wanted)
    strike((long)info.entry.nr);
  resume(id, 0);
}

static const long kOptions = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC;

static void attach(pid_t process) {
  char path[64], role[kRole];
  read_role(process, role);
  snprintf(path, sizeof path, "/proc/%d/task", process);
  // Helpers' threads come and go; two looks find them all.
  for (int look = 0; look < 2; ++look) {
    char command[128];
    snprintf(command, sizeof command, "ls %s", path);
    FILE *list = popen(command, "r");
    int id;
    while (list != NULL && fscanf(list, "%d", &id) == 1) {
      if (find(id) != NULL || ptrace(PTRACE_SEIZE, id, NULL, (void *)kOptions) != 0) continue;
      add(id, process, role);
      ptrace(PTRACE_INTERRUPT, id, NULL, NULL);
    }
    if (list != NULL) pclose(list);
  }
}

int main(int argc, char **argv) {
  if (argc < 8) return 98;
  where = argv[2], whom = argv[3], which = argv[4], wanted = atol(argv[5]);
  int at = 6;
  for (; at < argc && strcmp(argv[at], "--") != 0; ++at) attach(atoi(argv[at]));
  int go[2];
  char byte;
  if (pipe2(go, O_CLOEXEC) != 0) die("pipe");
  pid_t command = fork();
  if (command == 0) {
    close(go[1]);
    if (read(go[0], &byte, 1) < 0) _exit(97);
    execv(argv[at + 1], argv + at + 1);
    _exit(97);
  }
  if (ptrace(PTRACE_SEIZE, command, NULL, (void *)kOptions) != 0) die("follow the command");
  add(command, command, "new");
  ptrace(PTRACE_INTERRUPT, command, NULL, NULL);
  close(go[0]);
  close(go[1]);
  int outcome = -1, status;
  while (outcome < 0) {
    pid_t id = waitpid(-1, &status, __WALL);
    if (id < 0) die("wait");
    if (WIFSTOPPED(status)) {
      on_stop(id, status);
      continue;
    }
    if (id == command) outcome = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    forget(id);
  }
  FILE *report = fopen(argv[1], "w");
  if (report == NULL) die(argv[1]);
  fprintf(report, struck ? "struck %ld %ld\n" : "ended %ld\n", counted, struck_call);
  return fclose(report) == 0 ? outcome : 99;
}
