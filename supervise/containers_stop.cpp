// How a container is brought to its end.

#include <fmt/core.h>
#include <signal.h>

#include <algorithm>

#include "supervise/containers.h"
#include "sys/signals.h"

namespace berth::supervise {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// A process that does not hear the stop signal may be about to install its handler: it has just been started, or has
// just executed another program.
constexpr Duration kNewborn = 1s, kExecuted = 100ms;
constexpr Duration kLook = 10ms;
constexpr Duration kDies = 10s;  // after SIGKILL; longer only in the kernel, for a device or a file server that is away

int stop_signal_of(const engine::ContainerRecord& record) {
  return sys::parse_signal(record.stop_signal).value_or(SIGTERM);
}

}  // namespace

Status Containers::send(const Managed& container, int signal) const {
  if (!container.process.valid()) return {};  // it ended before we came, and how is being learnt
  tell(container, "kill", {{"signal", std::to_string(signal)}});
  return container.process.signal(signal);
}

Status Containers::kill(const ContainerPtr& container, int signal) {
  if (!container->live.alive()) return {};
  bool to_end = signal == SIGKILL || signal == stop_signal_of(container->record);
  if (to_end) container->live.stopped_by_user = true;
  BERTH_TRY_OK(send(*container, signal).context("container {}", container->record.name));
  return to_end ? thaw(container) : Status();
}

Task<bool> Containers::stop(ContainerPtr container, std::optional<int64_t> grace_ns) {
  engine::LiveState& live = container->live;
  container->restart_timer.cancel();
  while (container->starting) co_await container->changed.wait();  // by its restart policy
  live.stopped_by_user = true;
  if (live.status == engine::Status::restarting) live.status = engine::Status::exited;
  if (!live.alive()) {
    // Not running, but its ports may be reserved for a start that will not come.
    parts_.networks.release(container->record, live, false);
    if (live.status != engine::Status::created) write_down(container);
    co_return false;
  }
  Duration grace(grace_ns.value_or(container->record.stop_grace_ns));
  BERTH_CO_TRY(bool unheard, co_await end_run(container, grace));
  tell(*container, "stop");
  co_return unheard;
}

/// The stop signal, and SIGKILL when the grace period is over or nobody heard. True if nobody did.
Task<bool> Containers::end_run(ContainerPtr container, Duration grace) {
  const uint64_t run = container->run;
  const int signal = stop_signal_of(container->record);
  const pid_t pid = container->live.process.pid;
  // Looked at before it is sent: a handler may well reset itself. A hook may have told it to end in another way.
  bool unheard = container->record.config.pre_stop.empty() && sys::drops_signal(pid, signal);
  BERTH_CO_TRY_OK(send(*container, signal));
  BERTH_CO_TRY_OK(thaw(container));
  auto over = [&] { return container->run != run || !container->live.alive(); };
  const Clock::time_point now = Clock::now();
  const Clock::time_point given_up = std::max(now + kExecuted, container->started + kNewborn);
  Clock::time_point deadline = now + std::min<Duration>(grace, 24h * 365);
  bool killed = false;
  asio::steady_timer timer(parts_.io);
  while (!over()) {
    bool late = deadline <= Clock::now();
    if (killed && late)
      co_return make_error(
          fmt::format("container {} does not end, {} after SIGKILL", container->record.name, format_duration(kDies)),
          "its process is held up in the kernel: look at what it has open");
    if (unheard && !killed && !sys::drops_signal(pid, signal)) {
      unheard = false;
      BERTH_CO_TRY_OK(send(*container, signal));  // the first one went by
    }
    if (!killed && (late || (unheard && given_up <= Clock::now()))) {
      killed = true;
      unheard = unheard && !late;
      deadline = Clock::now() + kDies;
      BERTH_CO_TRY_OK(send(*container, SIGKILL));
    }
    timer.expires_at(unheard && !killed ? std::min(deadline, Clock::now() + kLook) : deadline);
    timer.async_wait([container](boost::system::error_code cancelled) {
      if (!cancelled) container->changed.notify();
    });
    co_await container->changed.wait();
  }
  co_return unheard&& killed;
}

}  // namespace berth::supervise
