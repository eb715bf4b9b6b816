#include <fmt/core.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "supervise/supervisor.h"
#include "sys/sealed_self.h"

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
