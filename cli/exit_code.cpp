#include "cli/exit_code.h"

#include <unistd.h>

#include "base/text.h"
#include "engine/event_log.h"

namespace berth::cli {
namespace {

constexpr int kExitIsWrittenMs = 3000;
constexpr int kUnknownExit = 255;
constexpr int64_t kEventsLooked = 64 << 10;

/// What was told of a container that has removed itself since.
std::optional<unsigned long long> told_code(const sys::Paths& paths, const std::string& id) {
  engine::EventReader reader(paths);
  reader.skip_to_tail(kEventsLooked);
  std::optional<unsigned long long> code;
  while (std::optional<engine::Event> event = reader.next()) {
    if (event->id == id && event->action == "die") code = parse_unsigned(event->attributes["exitCode"]);
  }
  return code;
}

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
    if (!container) return static_cast<int>(told_code(store.paths(), id).value_or(kUnknownExit));
    usleep(10'000);
  }
  return kUnknownExit;
}

}  // namespace berth::cli
