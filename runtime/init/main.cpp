// berth-init: the first process of a container with `init: true`.
//
//   berth-init PATH ARGV0 [ARG…]
//
// Starts PATH in a process group of its own (in the foreground of the terminal, if there is one), hands it every signal
// it gets, reaps whoever is left without a parent, and ends as the program ends: its exit code, or 128 + signal. Why
// the program could not be executed goes over descriptor 3, where the runtime waits, as a ChildError.
//
// No C library: 9 KB, one page of memory, nothing in it for a container to look at (it is executed from a sealed file
// in memory; /proc/1/exe leads nowhere on the host).

#include <asm/unistd.h>
#include <linux/wait.h>

#include "../stage.h"

namespace {

using berth::runtime::ChildError;
using berth::runtime::Stage;
using Word = long;

#if defined(__x86_64__)
Word call(Word number, Word a = 0, Word b = 0, Word c = 0, Word d = 0, Word e = 0) {
  Word result;
  register Word r10 asm("r10") = d;
  register Word r8 asm("r8") = e;
  asm volatile("syscall"
               : "=a"(result)
               : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
               : "rcx", "r11", "memory");
  return result;
}
asm(".globl _start\n_start:\n xor %ebp, %ebp\n mov %rsp, %rdi\n and $-16, %rsp\n call init_main\n");
#elif defined(__aarch64__)
Word call(Word number, Word a = 0, Word b = 0, Word c = 0, Word d = 0, Word e = 0) {
  register Word x8 asm("x8") = number;
  register Word x0 asm("x0") = a;
  register Word x1 asm("x1") = b;
  register Word x2 asm("x2") = c;
  register Word x3 asm("x3") = d;
  register Word x4 asm("x4") = e;
  asm volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory");
  return x0;
}
asm(".globl _start\n_start:\n mov x0, sp\n bl init_main\n");
#else
#error "berth-init: add the system call convention of this machine"
#endif

constexpr int kErrorFd = 3;

constexpr Word kNoEntry = -2;   // ENOENT
constexpr Word kNoChild = -10;  // ECHILD
constexpr Word kBlock = 0, kSetMask = 2;
constexpr Word kCloseOnExec = 1, kSetFd = 2;  // fcntl
constexpr Word kSetForeground = 0x5410;       // TIOCSPGRP
constexpr Word kSetName = 15;                 // PR_SET_NAME
constexpr int kSigChild = 17, kSigTtin = 21, kSigTtou = 22;

template <class T>
Word address(T* pointer) {
  return reinterpret_cast<Word>(pointer);
}

[[noreturn]] void leave(int code) {
  for (;;) call(__NR_exit_group, code);
}

[[noreturn]] void run_program(char** argv, char** environment, const unsigned long* old_mask) {
  call(__NR_setpgid, 0, 0);
  int group = static_cast<int>(call(__NR_getpid));
  call(__NR_ioctl, 0, kSetForeground, address(&group));  // refused where stdin is no terminal of ours
  call(__NR_rt_sigprocmask, kSetMask, address(old_mask), 0, sizeof *old_mask);
  Word failed = call(__NR_execve, address(argv[1]), address(argv + 2), address(environment));
  ChildError error{failed == kNoEntry ? Stage::exec_no_interpreter : Stage::exec, 0, static_cast<int>(-failed)};
  call(__NR_write, kErrorFd, address(&error), sizeof error);
  leave(127);
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

}  // namespace

extern "C" [[noreturn]] __attribute__((used)) void init_main(Word* stack) {
  auto argc = static_cast<int>(stack[0]);
  char** argv = reinterpret_cast<char**>(stack + 1);
  char** environment = argv + argc + 1;
  if (argc < 3) leave(125);

  call(__NR_prctl, kSetName, address("berth-init"));
  call(__NR_fcntl, kErrorFd, kSetFd, kCloseOnExec);
  unsigned long all = ~0UL, old_mask = 0;
  call(__NR_rt_sigprocmask, kBlock, address(&all), address(&old_mask), sizeof all);
  Word program = call(__NR_clone, kSigChild);
  if (program == 0) run_program(argv, environment, &old_mask);
  if (program < 0) {
    ChildError error{Stage::exec, 0, static_cast<int>(-program)};
    call(__NR_write, kErrorFd, address(&error), sizeof error);
    leave(127);
  }
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
