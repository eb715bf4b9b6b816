// How a new supervisor takes over what an earlier one, or the time before a crash, has left.

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <boost/asio/posix/stream_descriptor.hpp>

#include "engine/run_spec.h"
#include "supervise/containers.h"
#include "sys/file.h"

namespace berth::supervise {
namespace {

constexpr int kUnknownStatus = 255 << 8;  // as Docker where nobody saw the end
constexpr int64_t kEventsLooked = 64 << 10;

}  // namespace

void Containers::adopt(std::vector<engine::Container> containers) {
  engine::EventReader reader(parts_.store.paths());
  reader.skip_to_tail(kEventsLooked);
  std::vector<engine::Event> logged;
  while (std::optional<engine::Event> event = reader.next()) logged.push_back(std::move(*event));
  for (const engine::Event& event : engine::missing_events(logged, containers)) events_.add(event);
  for (engine::Container& found : containers) {
    auto container = std::make_shared<Managed>(parts_.io.get_executor(), std::move(found.record));
    container->live = std::move(found.live);
    container->run = 1;
    containers_[container->record.id] = container;
    parts_.networks.declare(container->record);
    engine::LiveState& live = container->live;
    if (live.alive()) {
      if (Status adopted = adopt_live(container); !adopted) {
        fmt::print(stderr, "berth-supervisor: adopt {}: {}\n", container->record.name, adopted.error().message());
      }
    } else if (live.ending()) {
      // Its process went while nobody looked. The exit journal, read after this, says how; else nobody knows.
      live.status = engine::Status::running;
      asio::co_spawn(parts_.io, watch_adopted(container, container->run), asio::detached);
    } else if (live.status == engine::Status::restarting) {
      asio::co_spawn(parts_.io, restart_later(container, Duration(0)), asio::detached);
    } else {
      end_unrecorded(*container);
      if (container->record.auto_remove) asio::co_spawn(parts_.io, remove_itself(container), asio::detached);
    }
  }
  for (const auto& [id, container] : containers_) {
    if (!container->live.alive()) unmount_unused(container->record);
  }
}

/// A start that was cut off between the clone and its record has a process that nobody knows but its control group.
/// Whoever asked for it was told that it failed.
void Containers::end_unrecorded(const Managed& container) {
  Result<runtime::Cgroup> group = cgroup_of(container);
  if (!group) return;  // as it should be
  (void)group->kill();
  constexpr int kTries = 100;
  for (int i = 0; i < kTries && group->populated().value_or(false); ++i) usleep(10'000);
  if (Status removed = group->remove(); !removed)
    fmt::print(stderr, "berth-supervisor: {}: {}\n", container.record.name, removed.error().message());
}

Status Containers::adopt_live(const ContainerPtr& container) {
  engine::LiveState& live = container->live;
  BERTH_TRY(container->process, sys::open_identified(live.process));
  container->started = std::chrono::steady_clock::now();
  if (parts_.keeper.keeper_is_new() && !live.attached) {
    // Its output goes nowhere until somebody copies it again.
    std::vector<sys::UniqueFd> console = parts_.keeper.stored("tty/" + container->record.id);
    if (!console.empty()) {
      BERTH_TRY_OK(pump(*container, console.front().ref(), sys::FdRef(-1)));
    } else if (!container->record.config.tty) {
      std::string dir = parts_.store.live_dir(container->record.id);
      BERTH_TRY(sys::UniqueFd out, sys::open_file(dir + "/stdout", O_RDONLY | O_NONBLOCK));
      BERTH_TRY(sys::UniqueFd err, sys::open_file(dir + "/stderr", O_RDONLY | O_NONBLOCK));
      BERTH_TRY_OK(pump(*container, out.ref(), err.ref()));
    }
  }
  asio::co_spawn(parts_.io, watch_adopted(container, container->run), asio::detached);
  if (container->record.health) asio::co_spawn(parts_.io, watch_health(container, container->run), asio::detached);
  BERTH_TRY_OK(parts_.networks.adopt_container(container->record, live));
  if (Networks::unfinished(container->record, live))
    asio::co_spawn(parts_.io, finish_networks(container), asio::detached);
  return {};
}

Work Containers::watch_adopted(ContainerPtr container, uint64_t run) {
  auto executor = co_await asio::this_coro::executor;
  std::optional<int> status;
  if (container->process.valid()) {
    asio::posix::stream_descriptor handle(executor, fcntl(container->process.fd().get(), F_DUPFD_CLOEXEC, 10));
    (void)co_await handle.async_wait(asio::posix::stream_descriptor::wait_read, kAwait);
  }
  // A child of our keeper is in the exit journal, which is quicker than this. One whose keeper died belongs to init,
  // which may take its time to reap it; only then does the kernel tell how it ended. Gone before both of us came,
  // nobody will tell.
  bool told = container->process.valid() || !parts_.keeper.keeper_is_new();
  asio::steady_timer timer(executor);
  for (int waited_ms = 0; told && waited_ms < 3000; waited_ms += 10) {
    if (container->run != run || !container->live.alive()) co_return;
    if (container->process.valid()) status = container->process.exit_status();
    if (status) break;
    timer.expires_after(std::chrono::milliseconds(10));
    (void)co_await timer.async_wait(kAwait);
  }
  if (container->run == run && container->live.alive())
    ended(container, status.value_or(kUnknownStatus), wall_clock_ns());
}

}  // namespace berth::supervise
