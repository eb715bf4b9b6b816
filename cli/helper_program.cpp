#include "cli/helper_program.h"

#include <signal.h>
#include <sys/resource.h>

#include <atomic>

namespace berth::cli {
namespace {

std::atomic<int> caught = 0;

}  // namespace

void catch_signals() {
  struct sigaction action {};
  action.sa_handler = cancel;
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

int caught_signal() {
  return caught;
}

bool cancelled() {
  return caught != 0;
}

void cancel(int signal) {
  caught = signal;
}

void allow_many_files() {
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);  // no more than a help
}

}  // namespace berth::cli
