#pragma once

#include <stdint.h>
#include <sys/types.h>
#include <time.h>

namespace berth::keeper {

/// Nanoseconds on that clock.
int64_t now_ns(clockid_t clock);

/// Where there is nobody to report to: a message with errno in the supervisor's log, then on with the rest.
void complain(const char* what);

/// The same, and the end.
[[noreturn]] void die(const char* what);

/// Moves this process into the control group with that directory; where that fails it complains and stays.
void enter_group(const char* directory);

/// Executes the program from a read-only mount of its file that is attached nowhere, as sys::seal_self() would have it
/// do by itself: one start instead of two. Where the kernel does not allow that, from where it lies. Returns if it
/// fails.
void execute_sealed(const char* program, const char* argument);

/// Field 22 of /proc/PID/stat; 0 if it cannot be read. Of a zombie that only we can reap the number is still its own.
uint64_t start_time_of(pid_t pid);

}  // namespace berth::keeper
