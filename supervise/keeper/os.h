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

/// Field 22 of /proc/PID/stat of a zombie that only we can reap, so that the number is still its own; 0 if it cannot be
/// read.
uint64_t start_time_of(pid_t pid);

}  // namespace berth::keeper
