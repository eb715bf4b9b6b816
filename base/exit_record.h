#pragma once

#include <cstdint>

namespace berth {

/// One record of the exit journal ($BERTH_RUN/exits), which the keeper appends for every child it reaps. The file is
/// the queue: a supervisor reads it from where it had got to, a new one from the beginning, and whoever looks at a
/// container whose end has not been written down yet finds it here.
struct ExitRecord {
  uint64_t start_time;  // field 22 of /proc/PID/stat; with the pid the identity of the process
  int64_t time_ns;      // wall clock
  int32_t pid;
  int32_t status;  // as waitpid(2) gives it
};

}  // namespace berth
