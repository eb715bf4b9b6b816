#include <fcntl.h>
#include <fmt/core.h>
#include <malloc.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "supervise/supervisor.h"
#include "sys/fd.h"
#include "sys/sealed_self.h"

namespace {

/// The table of open files gets room for many containers while there is one thread: once there are several, the kernel
/// waits for an RCU grace period whenever a number asks for a larger one.
void make_room_for_descriptors() {
  constexpr int kMany = 4095;
  const berth::sys::UniqueFd highest(
      fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, kMany));  // above the limit: it grows as it has to
}

}  // namespace

int main(int argc, char** argv) {
  using namespace berth;
  if (argc != 2) {
    fmt::print(stderr, "berth-supervisor is started by berth\n");
    return 2;
  }
  // Containers' first processes, probes and copies are our children, with our program until they execute theirs.
  if (Status sealed = sys::seal_self(argv); !sealed) {
    fmt::print(stderr, "berth-supervisor: {}\n", sealed.error().full());
    return 1;
  }
  signal(SIGPIPE, SIG_IGN);
  make_room_for_descriptors();
  // Every container is born as a copy of this process: a heap for each thread would be copied and dropped each time.
  mallopt(M_ARENA_MAX, 1);
  sys::Paths paths = sys::Paths::from_environment();
  paths.run = argv[1];
  Result<std::unique_ptr<supervise::Supervisor>> supervisor = supervise::Supervisor::open(paths);
  if (!supervisor) {
    fmt::print(stderr, "berth-supervisor: {}\n", supervisor.error().full());
    return 1;
  }
  (*supervisor)->run();
  fflush(stderr);
  _exit(0);  // crash-only: nothing is left to tidy that a crash would not leave as well
}
