// Waiting for containers: gates before others start, `--wait`, and why it was in vain.

#include <fmt/core.h>
#include <signal.h>

#include "base/text.h"
#include "engine/log_reader.h"
#include "supervise/containers.h"
#include "sys/signals.h"

namespace berth::supervise {
namespace {

constexpr size_t kLogTail = 5;  // lines shown with an error

bool done(const Managed& c, engine::Condition condition) {
  const engine::LiveState& live = c.live;
  switch (condition) {
    case engine::Condition::started:
      return live.alive();
    case engine::Condition::healthy:
      return live.alive() && live.health == "healthy";
    case engine::Condition::completed:
      return live.status == engine::Status::exited && live.exit_code == 0;
    case engine::Condition::running_or_healthy:
      return live.alive() && (!c.record.health || live.health == "healthy");
  }
  return false;
}

/// True once waiting longer is no use.
bool hopeless(const Managed& c, engine::Condition condition) {
  const engine::LiveState& live = c.live;
  if (c.removing) return true;
  // With a restart policy the next run may do better; a job is expected to end.
  if (live.status == engine::Status::exited) return !done(c, condition);
  bool wants_health = condition == engine::Condition::healthy || condition == engine::Condition::running_or_healthy;
  return wants_health && live.health == "unhealthy";
}

/// " exited (137), ended by SIGKILL": a shell whose command was killed has the same code, and then the same is true.
std::string ended_with(const engine::LiveState& live) {
  constexpr int64_t kSignalled = 128;
  std::string text = fmt::format(" exited ({})", live.exit_code);
  int64_t signal = live.exit_code - kSignalled;
  if (signal > 0 && signal < NSIG) text += ", ended by " + sys::signal_name(static_cast<int>(signal));
  if (!live.oom_killed) return text;
  return text + (signal == SIGKILL ? ": it used up its memory limit"
                                   : "; a process of it was killed because it used up the memory limit");
}

}  // namespace

Task<void> Containers::wait(ContainerPtr container, engine::WaitFor wait, std::shared_ptr<const bool> cancelled) {
  const engine::Condition condition = wait.condition;
  const std::optional<int64_t> timeout_ns = wait.timeout_ns;
  if (condition == engine::Condition::healthy && !container->record.health) {
    co_return make_error(
        fmt::format("container {} has no health check, so it cannot become healthy", container->record.name),
        fmt::format("add `healthcheck:` to service \"{}\", or wait for service_started", container->record.service));
  }
  asio::steady_timer deadline(parts_.io, timeout_ns ? asio::steady_timer::clock_type::now() + Duration(*timeout_ns)
                                                    : asio::steady_timer::time_point::max());
  auto wake = [container](boost::system::error_code stopped) {
    if (!stopped) container->changed.notify();
  };
  deadline.async_wait(wake);
  const uint64_t run = container->run;
  asio::steady_timer steady(parts_.io, asio::steady_timer::time_point::max());
  for (;;) {
    bool over = container->run != run || !container->live.alive();
    if (wait.steady_ns && over) co_return why_not(*container, condition);
    if (!done(*container, condition)) {
      steady.expires_at(asio::steady_timer::time_point::max());
    } else {
      if (wait.steady_ns.value_or(0) == 0 || steady.expiry() <= std::chrono::steady_clock::now()) co_return Status();
      if (steady.expiry() == asio::steady_timer::time_point::max()) {
        steady.expires_after(Duration(*wait.steady_ns));
        steady.async_wait(wake);
      }
    }
    if (hopeless(*container, condition)) co_return why_not(*container, condition);
    if (*cancelled) co_return make_error("waiting for container " + container->record.name + " was cancelled");
    if (deadline.expiry() <= std::chrono::steady_clock::now()) {
      co_return make_error(fmt::format("container {} not {} after {}", container->record.name,
                                       engine::condition_name(condition), format_duration(Duration(*timeout_ns))));
    }
    co_await container->changed.wait();
  }
}

Work Containers::wait_until_over(ContainerPtr container) {
  uint64_t run = container->run;
  auto over = [&] {
    if (container->run != run || find(container->record.id) == nullptr) return true;
    return !container->live.alive() && !container->record.auto_remove;
  };
  while (!over()) co_await container->changed.wait();
}

Error Containers::why_not(const Managed& container, engine::Condition condition) const {
  const engine::LiveState& live = container.live;
  std::string what = "container " + container.record.name;
  if (live.status == engine::Status::exited) {
    what += live.error.empty() ? ended_with(live) : ": " + live.error;
  } else if (live.health == "unhealthy") {
    what += " is unhealthy";
  } else {
    what += fmt::format(" is not {}", engine::condition_name(condition));
  }
  if (live.health == "unhealthy" && !live.probes.empty()) {
    const engine::ProbeResult& last = live.probes.back();
    what += fmt::format("\n  last probe exited with {}: {}", last.exit_code, printable(trim(last.output)));
  }
  std::vector<std::string> lines = engine::last_lines(parts_.store.log_path(container.record.id), kLogTail);
  if (!lines.empty()) what += "\n  last lines of its log:";
  for (const std::string& line : lines) what += "\n    " + line;
  Error error = make_error(std::move(what));
  if (live.oom_killed) error.hint = "raise mem_limit";
  return error;
}

}  // namespace berth::supervise
