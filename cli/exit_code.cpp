#include "cli/exit_code.h"

#include <unistd.h>

namespace berth::cli {
namespace {

constexpr int kExitIsWrittenMs = 3000;
constexpr int kUnknownExit = 255;

}  // namespace

int exit_code_after(const engine::StateStore& store, const sys::Pidfd& process, const std::string& id) {
  if (process.valid()) (void)process.wait_exit(-1);
  for (int waited_ms = 0; waited_ms < kExitIsWrittenMs; waited_ms += 10) {
    if (process.valid()) {
      Result<std::optional<int>> status = process.exit_status();
      if (status && *status) return static_cast<int>(engine::exit_code_of(**status));
    }
    Result<engine::Container> container = store.read(id);
    if (container && container->live.status == engine::Status::exited && !container->live.ending())
      return static_cast<int>(container->live.exit_code);
    if (!container) break;  // removed already
    usleep(10'000);
  }
  return kUnknownExit;
}

}  // namespace berth::cli
