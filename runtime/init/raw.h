#pragma once

// System calls without a C library, and what both roles of this program share.

#include <asm/unistd.h>

#include "../stage.h"

namespace berth::init {

using runtime::ChildError;
using runtime::kErrorFd;
using runtime::kMeetFd;
using runtime::Stage;
using Word = long;

#if defined(__x86_64__)
inline Word call(Word number, Word a = 0, Word b = 0, Word c = 0, Word d = 0, Word e = 0) {
  Word result;
  register Word r10 asm("r10") = d;
  register Word r8 asm("r8") = e;
  asm volatile("syscall"
               : "=a"(result)
               : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
               : "rcx", "r11", "memory");
  return result;
}
#elif defined(__aarch64__)
inline Word call(Word number, Word a = 0, Word b = 0, Word c = 0, Word d = 0, Word e = 0) {
  register Word x8 asm("x8") = number;
  register Word x0 asm("x0") = a;
  register Word x1 asm("x1") = b;
  register Word x2 asm("x2") = c;
  register Word x3 asm("x3") = d;
  register Word x4 asm("x4") = e;
  asm volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory");
  return x0;
}
#else
#error "berth-init: add the system call convention of this machine"
#endif

constexpr Word kNoEntry = -2;                 // ENOENT
constexpr Word kHere = -100;                  // AT_FDCWD
constexpr Word kCloseOnExec = 1, kSetFd = 2;  // fcntl

template <class T>
Word address(T* pointer) {
  return reinterpret_cast<Word>(pointer);
}

[[noreturn]] inline void leave(int code) {
  for (;;) call(__NR_exit_group, code);
}

/// `failed` is what a system call returned.
[[noreturn]] inline void report(Stage stage, Word failed) {
  ChildError error{stage, 0, static_cast<int>(-failed)};
  call(__NR_write, kErrorFd, address(&error), sizeof error);
  leave(127);
}

[[noreturn]] inline void execute(char** argv, char** environment) {
  Word failed = call(__NR_execve, address(argv[1]), address(argv + 2), address(environment));
  if (failed != kNoEntry) report(Stage::exec, failed);
  // Not there, or what its first line or ELF header names is not.
  Word there = call(__NR_faccessat, kHere, address(argv[1]), 0);
  report(there == kNoEntry ? Stage::exec_not_found : Stage::exec_no_interpreter, failed);
}

/// berth-exec (enter.cpp); with a terminal it is standard input.
[[noreturn]] void enter(char** argv, char** environment, bool terminal);

}  // namespace berth::init
