// How a container's end is learnt and what follows from it.

#include <fmt/core.h>

#include <boost/asio/posix/stream_descriptor.hpp>

#include "engine/run_spec.h"
#include "supervise/containers.h"
#include "supervise/restart_policy.h"
#include "sys/file.h"

namespace berth::supervise {
namespace {

constexpr size_t kMaxUnclaimed = 256;

}  // namespace

void Containers::on_exit(const ExitRecord& exit) {
  for (auto& [id, container] : containers_) {
    const sys::ProcessIdentity& process = container->live.process;
    if (process.pid != exit.pid || !container->live.alive()) continue;
    // 0 = it was gone before its start time could be read; the number cannot have come round since.
    if (process.start_time != 0 && process.start_time != exit.start_time) continue;
    parts_.keeper.forget_pump(id);
    return ended(container, exit.status, exit.time_ns);
  }
  unclaimed_.push_back(exit);
  if (unclaimed_.size() > kMaxUnclaimed) unclaimed_.erase(unclaimed_.begin());
}

void Containers::ended(const ContainerPtr& container, int wait_status, int64_t time_ns) {
  engine::LiveState& live = container->live;
  live.status = engine::Status::exited;
  live.exit_code = engine::exit_code_of(wait_status);
  live.finished_ns = time_ns;
  live.process = {};
  container->process = {};
  Result<runtime::Cgroup> cgroup = cgroup_of(*container);
  if (cgroup) {
    (void)note_oom(*container, *cgroup);  // the last may not have been told yet
    (void)cgroup
        ->kill();  // what exec left, or a container in the host's pid namespace; remove() tells if it did not work
    auto group = std::make_shared<runtime::Cgroup>(std::move(cgroup).value());
    asio::post(parts_.pool, [group] { (void)group->remove(); });
  }
  if (container->probe_stop->now) container->probe_stop->now();
  const int64_t seconds = (time_ns - live.started_ns) / 1'000'000'000;
  engine::Event died =
      engine::event_of(container->record, "die",
                       {{"execDuration", std::to_string(seconds)}, {"exitCode", std::to_string(live.exit_code)}});
  died.time_ns = time_ns;  // the same again, if a supervisor that is killed now has a successor
  events_.add(died);
  parts_.keeper.drop("tty/" + container->record.id);
  parts_.keeper.drop("process/" + container->record.id);
  unmount_unused(container->record);
  consider_restart(container);
  live.health.clear();
  write_down(container);
  if (container->record.auto_remove && !container->removing)
    asio::co_spawn(parts_.io, remove_itself(container), asio::detached);
  else if (idle_)
    idle_();
}

Work Containers::remove_itself(ContainerPtr container) {
  Status removed = co_await remove(container, true);
  if (!removed) {
    // It stands as exited then, and `rm` tells why it cannot go. Nobody is to wait for it any longer.
    fmt::print(stderr, "berth-supervisor: {}\n", removed.error().message());
    container->record.auto_remove = false;
    container->changed.notify();
  }
  if (idle_) idle_();
}

void Containers::consider_restart(const ContainerPtr& container) {
  engine::LiveState& live = container->live;
  Duration ran_for = std::chrono::steady_clock::now() - container->started;
  const std::optional<engine::HealthConfig>& health = container->record.health;
  bool unhealthy = health && health->restart_unhealthy && live.health == "unhealthy";
  RestartPolicy policy(container->record.config.restart, live.restarts);
  std::optional<Duration> delay;
  if (!live.stopped_by_user && !container->removing) delay = policy.on_exit(live.exit_code, ran_for, unhealthy);
  live.restarts = policy.state();
  parts_.networks.release(container->record, live, delay.has_value());
  if (!delay) return;
  live.status = engine::Status::restarting;
  ++live.restart_count;
  asio::co_spawn(parts_.io, restart_later(container, *delay), asio::detached);
}

Work Containers::restart_later(ContainerPtr container, Duration delay) {
  container->restart_timer.expires_after(delay);
  auto [cancelled] = co_await container->restart_timer.async_wait(kAwait);
  if (cancelled || container->live.status != engine::Status::restarting) co_return;
  Status started = co_await start_again(container);
  if (started || container->live.stopped_by_user || container->removing) co_return;
  // A start that fails (a bind source that is away for the moment) is tried again like a run that failed.
  consider_restart(container);
  write_down(container);
}

}  // namespace berth::supervise
