// berth-init: the first process of a container with `init: true`.
//
//   berth-init PATH ARGV0 [ARG…]
//
// Starts PATH in a process group of its own (in the foreground of the terminal, if there is one), hands it every signal
// it gets, reaps whoever is left without a parent, and ends as the program ends: its exit code, or 128 + signal. Why
// the program could not be executed goes over descriptor 3, where the runtime waits, as a ChildError.
//
// Under another name it is berth-exec (enter.cpp).
//
// No C library: 9 KB, one page of memory, nothing in it for a container to look at (it is executed from a sealed file
// in memory; /proc/1/exe leads nowhere on the host).

#include <linux/wait.h>

#include "raw.h"

namespace berth::init {
namespace {

#if defined(__x86_64__)
asm(".globl _start\n_start:\n xor %ebp, %ebp\n mov %rsp, %rdi\n and $-16, %rsp\n call init_main\n");
#elif defined(__aarch64__)
asm(".globl _start\n_start:\n mov x0, sp\n bl init_main\n");
#endif

constexpr Word kNoChild = -10;  // ECHILD
constexpr Word kBlock = 0, kSetMask = 2;
constexpr Word kSetForeground = 0x5410;  // TIOCSPGRP
constexpr Word kSetName = 15;            // PR_SET_NAME
constexpr int kSigChild = 17, kSigTtin = 21, kSigTtou = 22;

[[noreturn]] void run_program(char** argv, char** environment, const unsigned long* old_mask) {
  call(__NR_setpgid, 0, 0);
  int group = static_cast<int>(call(__NR_getpid));
  call(__NR_ioctl, 0, kSetForeground, address(&group));  // refused where stdin is no terminal of ours
  call(__NR_rt_sigprocmask, kSetMask, address(old_mask), 0, sizeof *old_mask);
  execute(argv, environment);
}

/// Collects everyone who has ended. Ends ourselves when the program has.
void reap(Word program) {
  for (;;) {
    int status = 0;
    Word pid = call(__NR_wait4, -1, address(&status), WNOHANG, 0);
    if (pid == kNoChild) leave(0);
    if (pid <= 0) return;
    if (pid != program) continue;
    int signal = status & 0x7f;
    leave(signal != 0 ? 128 + signal : (status >> 8) & 0xff);
  }
}

bool same(const char* a, const char* b) {
  while (*a != '\0' && *a == *b) ++a, ++b;
  return *a == *b;
}

[[noreturn]] void be_first(char** argv, char** environment) {
  call(__NR_prctl, kSetName, address("berth-init"));
  unsigned long all = ~0UL, old_mask = 0;
  call(__NR_rt_sigprocmask, kBlock, address(&all), address(&old_mask), sizeof all);
  Word program = call(__NR_clone, kSigChild);
  if (program == 0) run_program(argv, environment, &old_mask);
  if (program < 0) report(Stage::exec, program);
  call(__NR_close, kErrorFd);

  for (;;) {
    int signal = static_cast<int>(call(__NR_rt_sigtimedwait, address(&all), 0, 0, sizeof all));
    if (signal == kSigChild) {
      reap(program);
    } else if (signal > 0 && signal != kSigTtin && signal != kSigTtou) {
      call(__NR_kill, program, signal);
    }
  }
}

}  // namespace

extern "C" [[noreturn]] __attribute__((used)) void init_main(Word* stack) {
  auto argc = static_cast<int>(stack[0]);
  char** argv = reinterpret_cast<char**>(stack + 1);
  char** environment = argv + argc + 1;
  if (argc < 3) leave(125);
  call(__NR_fcntl, kErrorFd, kSetFd, kCloseOnExec);
  if (same(argv[0], "berth-exec")) enter(argv, environment, false);
  if (same(argv[0], "berth-exec-tty")) enter(argv, environment, true);
  be_first(argv, environment);
}

}  // namespace berth::init
