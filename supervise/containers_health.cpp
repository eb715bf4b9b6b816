// Probing: when is decided by Health (pure), how is here.

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/posix/stream_descriptor.hpp>

#include "engine/run_spec.h"
#include "runtime/exec.h"
#include "supervise/containers.h"

namespace berth::supervise {
namespace {

constexpr size_t kMaxOutput = 4096;
constexpr size_t kKeptProbes = 5;

std::vector<std::string> command_of(const engine::HealthConfig& health) {
  std::vector<std::string> args(health.test.begin() + 1, health.test.end());
  if (health.test.front() == "CMD-SHELL") args.insert(args.begin(), {"/bin/sh", "-c"});
  return args;
}

/// What the probe has written so far, up to the limit; the rest is read and dropped so that it does not block.
void drain(int fd, std::string& output) {
  char buffer[4096];
  for (ssize_t n; (n = read(fd, buffer, sizeof buffer)) > 0;) {
    output.append(buffer, std::min(static_cast<size_t>(n), kMaxOutput - output.size()));
  }
}

}  // namespace

Work Containers::watch_health(ContainerPtr container, uint64_t run) {
  Health health(*container->record.health, false);
  health.restore(container->live.health, container->live.failing_streak);
  asio::steady_timer timer(parts_.io);
  auto since_start = [&] { return Duration(std::chrono::steady_clock::now() - container->started); };
  auto over = [&] { return container->run != run || !container->live.alive(); };
  auto paused = [&] { return container->live.status == engine::Status::paused; };
  while (!over()) {
    if (paused()) {
      co_await container->changed.wait();
      continue;
    }
    timer.expires_after(health.next_delay(since_start()));
    (void)co_await timer.async_wait(kAwait);
    if (over()) co_return;
    if (paused()) continue;
    Result<engine::ProbeResult> result = co_await probe(container, health.timeout());
    if (over()) co_return;
    if (paused()) continue;  // it stood still as well, and says nothing
    if (!result) {
      engine::ProbeResult failed;
      failed.start_ns = failed.end_ns = wall_clock_ns();
      failed.exit_code = -1;
      failed.output = result.error().message();
      result = std::move(failed);
    }
    engine::LiveState& live = container->live;
    bool turned = health.on_probe(result->exit_code == 0, since_start());
    live.probes.push_back(std::move(result).value());
    if (live.probes.size() > kKeptProbes) live.probes.erase(live.probes.begin());
    live.health = health.state();
    live.failing_streak = health.failing_streak();
    if (turned) tell(*container, "health_status: " + live.health);
    write_down(container);
  }
}

Task<engine::ProbeResult> Containers::probe(ContainerPtr container, Duration timeout) {
  BERTH_CO_TRY(runtime::ContainerSpec spec, engine::run_spec(container->record, parts_.store.paths()));
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) co_return sys_error("pipe", errno);
  sys::UniqueFd reader(ends[0]), writer(ends[1]);
  fcntl(reader.get(), F_SETFL, O_NONBLOCK);
  runtime::ExecSpec exec;
  exec.args = command_of(*container->record.health);
  runtime::LaunchIo io;
  io.out = writer.ref();
  io.err = writer.ref();
  engine::ProbeResult result;
  result.start_ns = wall_clock_ns();
  BERTH_CO_TRY(runtime::Launch launch, runtime::start_exec(parts_.host, spec, container->process, exec, io));
  writer.reset();
  asio::posix::stream_descriptor ready(parts_.io, fcntl(launch.ready_fd().get(), F_DUPFD_CLOEXEC, 10));
  (void)co_await ready.async_wait(asio::posix::stream_descriptor::wait_read, kAwait);
  BERTH_CO_TRY(runtime::Running running, launch.finish());

  // One wait for both ends of it: the process goes, or its time is over.
  asio::posix::stream_descriptor handle(parts_.io, fcntl(running.pidfd.fd().get(), F_DUPFD_CLOEXEC, 10));
  asio::steady_timer deadline(parts_.io, timeout);
  bool late = false;
  auto expire = [&](boost::system::error_code cancelled) {
    if (cancelled) return;
    late = true;
    (void)running.pidfd.signal(SIGKILL);  // then the wait below ends
  };
  deadline.async_wait(expire);
  // Output has to be read while it runs, or a talkative probe blocks on a full pipe.
  asio::steady_timer poll(parts_.io);
  bool ended = false;
  auto on_end = [&](boost::system::error_code) {
    ended = true;
    poll.cancel();
  };
  handle.async_wait(asio::posix::stream_descriptor::wait_read, on_end);
  while (!ended) {
    poll.expires_after(std::chrono::milliseconds(100));
    (void)co_await poll.async_wait(kAwait);
    drain(reader.get(), result.output);
  }
  deadline.cancel();
  // The cancelled handler refers to this frame; let it run before the frame goes.
  co_await asio::post(parts_.io, asio::use_awaitable);
  drain(reader.get(), result.output);
  siginfo_t info{};
  waitid(P_PIDFD, static_cast<id_t>(running.pidfd.fd().get()), &info, WEXITED);
  result.end_ns = wall_clock_ns();
  result.exit_code = late ? -1 : info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
  if (late) result.output += fmt::format("Health check exceeded timeout ({})", format_duration(timeout));
  co_return result;
}

}  // namespace berth::supervise
