// Probing: when is decided by Health (pure), how is here.

#include <fmt/core.h>

#include "base/text.h"
#include "engine/run_spec.h"
#include "supervise/containers.h"
#include "supervise/inside.h"
#include "sys/file.h"

namespace berth::supervise {
namespace {

constexpr size_t kMaxOutput = 4096;
constexpr size_t kKeptProbes = 5;

std::vector<std::string> command_of(const engine::HealthConfig& health) {
  std::vector<std::string> args(health.test.begin() + 1, health.test.end());
  if (health.test.front() == "CMD-SHELL") args.insert(args.begin(), {"/bin/sh", "-c"});
  return args;
}

engine::ProbeResult failed_probe(const Error& error) {
  engine::ProbeResult result;
  result.start_ns = result.end_ns = wall_clock_ns();
  result.exit_code = -1;
  result.output = error.message();
  return result;
}

}  // namespace

Work Containers::watch_health(ContainerPtr container, uint64_t run) {
  const engine::HealthConfig& config = *container->record.health;
  Health health(config, config.strict);
  health.restore(container->live.health, container->live.failing_streak);
  asio::steady_timer timer(parts_.io);
  auto since_start = [&] { return Duration(std::chrono::steady_clock::now() - container->started); };
  auto over = [&] { return container->run != run || !container->live.alive(); };
  auto paused = [&] { return container->live.status == engine::Status::paused; };
  bool waits_for_restart = config.restart_unhealthy && health.state() == "unhealthy";  // the last supervisor died first
  while (!over() && !waits_for_restart) {
    if (paused()) {
      co_await container->changed.wait();
      continue;
    }
    timer.expires_after(health.next_delay(since_start()));
    (void)co_await timer.async_wait(kAwait);
    if (over()) co_return;
    if (paused()) continue;
    const Duration begun = since_start();
    Result<engine::ProbeResult> result = co_await probe(container, health.timeout());
    if (over()) co_return;
    if (paused()) continue;  // it stood still as well, and says nothing
    if (!result) result = failed_probe(result.error());
    if (tracers_.any()) trace_probe(*container, *result, container->started + begun);
    engine::LiveState& live = container->live;
    bool turned = health.on_probe(result->exit_code == 0, since_start(), since_start() - begun);
    live.probes.push_back(std::move(result).value());
    if (live.probes.size() > kKeptProbes) live.probes.erase(live.probes.begin());
    live.health = health.state();
    live.failing_streak = health.failing_streak();
    if (turned) tell(*container, "health_status: " + live.health);
    if (turned && tracers_.any()) trace_turn(*container);
    write_down(container);
    if (config.restart_unhealthy && live.health == "unhealthy") break;
  }
  if (!over()) co_await end_unhealthy(container);
}

void Containers::trace_probe(const Managed& container, const engine::ProbeResult& result,
                             std::chrono::steady_clock::time_point begun) {
  const auto since = std::chrono::duration_cast<std::chrono::microseconds>(begun.time_since_epoch());
  tracers_.tell(container.record, "probe", since.count(), fmt::format("exit code {}", result.exit_code),
                result.exit_code != 0);
}

/// By now a script that prepares things has become the program that it is for: its name goes along.
void Containers::trace_turn(const Managed& container) {
  Result<pid_t> pid = container.process.pid();
  const std::string comm = pid ? sys::read_file(fmt::format("/proc/{}/comm", *pid), 64).value_or("") : "";
  tracers_.tell(container.record, container.live.health, engine::trace_clock_us(), std::string(trim(comm)));
}

/// Its restart policy hears of the end, and why it came.
Work Containers::end_unhealthy(ContainerPtr container) {
  Duration grace(container->record.stop_grace_ns);
  Result<bool> ended = co_await end_run(container, grace);
  if (!ended) fmt::print(stderr, "berth-supervisor: {}: {}\n", container->record.name, ended.error().message());
}

Task<engine::ProbeResult> Containers::probe(ContainerPtr container, Duration timeout) {
  const engine::HealthConfig& health = *container->record.health;
  if (is_native_probe(health.test)) {
    BERTH_CO_TRY(pid_t pid, container->process.pid());
    BERTH_CO_TRY(sys::Netns netns, sys::Netns::open(fmt::format("/proc/{}/ns/net", pid)));
    if (container->process.exited()) co_return sys_error("container " + container->record.name, ESRCH);
    co_return co_await probe_natively(parts_.io, parts_.pool, std::move(netns), health.test, timeout,
                                      container->probe_stop);
  }
  BERTH_CO_TRY(runtime::ContainerSpec spec, engine::run_spec(container->record, parts_.store.paths()));
  runtime::ExecSpec command;
  command.args = command_of(health);
  engine::ProbeResult result;
  result.start_ns = wall_clock_ns();
  InsideOptions options;
  options.timeout = timeout;
  options.on_output = [&result](std::string_view text) {
    result.output.append(text.substr(0, kMaxOutput - std::min(kMaxOutput, result.output.size())));
  };
  BERTH_CO_TRY(InsideResult ended, co_await run_inside(parts_.io, parts_.host, std::move(spec), container->process,
                                                       std::move(command), std::move(options)));
  result.end_ns = wall_clock_ns();
  result.exit_code = ended.late ? -1 : ended.exit_code;
  if (ended.late) result.output += fmt::format("Health check exceeded timeout ({})", format_duration(timeout));
  co_return result;
}

}  // namespace berth::supervise
