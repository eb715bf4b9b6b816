// How a new supervisor takes over what an earlier one, or the time before a crash, has left.

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <ctime>

#include "base/text.h"
#include "engine/run_spec.h"
#include "runtime/cgroup_leftovers.h"
#include "supervise/containers.h"
#include "sys/file.h"

namespace berth::supervise {
namespace {

constexpr int kUnknownStatus = 255 << 8;  // as Docker where nobody saw the end
constexpr int64_t kEventsLooked = 64 << 10;

/// How long ago a process was started, to a hundredth of a second; time that the machine slept counts.
Duration age_of(const sys::ProcessIdentity& process) {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  Duration since_boot = std::chrono::seconds(now.tv_sec) + Duration(now.tv_nsec);
  Duration tick = Duration(std::chrono::seconds(1)) / sysconf(_SC_CLK_TCK);
  Duration start = tick * static_cast<int64_t>(process.start_time);
  return process.start_time == 0 || start > since_boot ? Duration(0) : since_boot - start;
}

/// Whether the last supervisor was killed: the keeper removes the mark when both leave.
bool predecessor_died(const sys::Paths& paths) {
  Result<sys::UniqueFd> mark = sys::open_file(paths.run + "/supervised", O_WRONLY | O_CREAT | O_EXCL, 0600);
  return !mark && mark.error().code == EEXIST;
}

/// Adds what a supervisor that was killed has not told.
void complete_events(const sys::Paths& paths, const engine::EventLog& log,
                     const std::vector<engine::Container>& containers) {
  if (!predecessor_died(paths)) return;
  engine::EventReader reader(paths);
  reader.skip_to_tail(kEventsLooked);
  std::vector<engine::Event> logged;
  while (std::optional<engine::Event> event = reader.next()) logged.push_back(std::move(*event));
  for (const engine::Event& event : engine::missing_events(logged, containers)) log.add(event);
}

/// Created for somebody to start later, as `container create --rm` does (Session::follow_one_off).
bool awaits_start(const engine::LiveState& live) {
  return live.status == engine::Status::created && live.stopped_by_user;
}

}  // namespace

void Containers::adopt(std::vector<engine::Container> containers) {
  complete_events(parts_.store.paths(), events_, containers);
  for (engine::Container& found : containers) {
    auto container = std::make_shared<Managed>(parts_.io.get_executor(), std::move(found.record));
    container->live = std::move(found.live);
    container->run = 1;
    containers_[container->record.id] = container;
    parts_.networks.declare(container->record);
  }
  drop_descriptors_of_the_dead();
  for (const auto& [id, container] : containers_) {
    engine::LiveState& live = container->live;
    if (live.alive()) {
      if (Status adopted = adopt_live(container); !adopted) {
        fmt::print(stderr, "berth-supervisor: adopt {}: {}\n", container->record.name, adopted.error().message());
      }
    } else if (live.ending()) {
      learn_end(container);
    } else {
      // A start that was cut off between the clone and its record has a process that nobody knows but its control
      // group. Whoever asked for it was told that it failed.
      const std::string group = engine::cgroup_path(parts_.store.paths(), container->record);
      if (Status cleared = runtime::clear_cgroup(parts_.host.cgroups(), group); !cleared)
        fmt::print(stderr, "berth-supervisor: {}: {}\n", container->record.name, cleared.error().message());
      if (live.status == engine::Status::restarting) {
        Duration pause(live.restarts.delay_ns), passed(wall_clock_ns() - live.finished_ns);
        Duration rest = std::clamp(pause - passed, Duration(0), pause);  // a clock that was set proves nothing
        asio::co_spawn(parts_.io, restart_later(container, rest), asio::detached);
      } else if (container->record.auto_remove && !awaits_start(live)) {
        asio::co_spawn(parts_.io, remove_itself(container), asio::detached);
      }
    }
  }
  for (const auto& [id, container] : containers_) {
    if (!container->live.alive()) unmount_unused(container->record);
  }
}

/// What an earlier supervisor reserved for a run that is over, or never began, would be held for ever; and so would a
/// port that it was handing over to a container of which the files do not say yet that it has it.
void Containers::drop_descriptors_of_the_dead() {
  for (const std::string& key : parts_.keeper.stored_keys()) {  // KIND/ID or KIND/ID/N
    const size_t begin = key.find('/') + 1;
    const ContainerPtr container = find(key.substr(begin, key.find('/', begin) - begin));
    const bool ending = container != nullptr && container->live.ending() && key.starts_with("process/");
    const bool stray = container != nullptr && key.starts_with("port/") &&
                       parse_unsigned(key.substr(key.rfind('/') + 1)).value_or(0) >= container->live.ports.size();
    if (container == nullptr || stray || (!container->live.alive() && !ending)) parts_.keeper.drop(key);
  }
}

/// Its process went while nobody looked. The exit journal, read after this, says how, or the kernel; else nobody knows.
void Containers::learn_end(const ContainerPtr& container) {
  container->live.status = engine::Status::running;
  // Of one that has gone only the wall clock knows when it came.
  Duration since(std::max<int64_t>(wall_clock_ns() - container->live.started_ns, 0));
  container->started = std::chrono::steady_clock::now() - since;
  std::vector<sys::UniqueFd> handle = parts_.keeper.stored("process/" + container->record.id);
  if (!handle.empty()) container->process = sys::Pidfd(std::move(handle.front()));
  asio::co_spawn(parts_.io, watch_adopted(container, container->run), asio::detached);
}

Status Containers::adopt_live(const ContainerPtr& container) {
  engine::LiveState& live = container->live;
  Result<sys::Pidfd> process = sys::open_identified(live.process);
  if (!process) {  // gone since the files were read
    learn_end(container);
    return {};
  }
  container->process = std::move(process).value();
  container->started = std::chrono::steady_clock::now() - age_of(live.process);
  parts_.keeper.store("process/" + container->record.id, {container->process.fd()});
  if (!live.attached) BERTH_TRY_OK(adopt_output(*container));
  asio::co_spawn(parts_.io, watch_adopted(container, container->run), asio::detached);
  asio::co_spawn(parts_.io, watch_oom(container, container->run), asio::detached);
  if (container->record.health) asio::co_spawn(parts_.io, watch_health(container, container->run), asio::detached);
  BERTH_TRY_OK(parts_.networks.adopt_container(container->record, live));
  if (Networks::unfinished(container->record, live))
    asio::co_spawn(parts_.io, finish_networks(container), asio::detached);
  return {};
}

/// Its output goes nowhere until somebody copies it again; a keeper that lives on does.
Status Containers::adopt_output(const Managed& container) {
  const bool copied = !parts_.keeper.keeper_is_new();
  std::vector<sys::UniqueFd> console = parts_.keeper.stored("tty/" + container.record.id);
  if (!console.empty()) return pump(container, console.front().ref(), sys::FdRef(-1), copied);
  if (container.record.config.tty) return {};
  std::string dir = parts_.store.live_dir(container.record.id);
  BERTH_TRY(sys::UniqueFd out, sys::open_file(dir + "/stdout", O_RDONLY | O_NONBLOCK));
  BERTH_TRY(sys::UniqueFd err, sys::open_file(dir + "/stderr", O_RDONLY | O_NONBLOCK));
  return pump(container, out.ref(), err.ref(), copied);
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
  const bool keeper_tells = !parts_.keeper.keeper_is_new();
  bool told = container->process.valid() || keeper_tells;
  asio::steady_timer timer(executor);
  const auto given_up = std::chrono::steady_clock::now() + std::chrono::seconds(3);
  while (told && std::chrono::steady_clock::now() < given_up) {
    if (container->run != run || !container->live.alive()) co_return;
    if (container->process.valid()) {
      Result<std::optional<int>> known = container->process.exit_status();
      if (known) status = *known;
      told = known.ok() || keeper_tells;
    }
    if (status || !told) break;
    timer.expires_after(std::chrono::milliseconds(10));
    (void)co_await timer.async_wait(kAwait);
  }
  co_await parts_.keeper.drain();  // the last words first; of a child of our keeper it sees to that
  if (container->run == run && container->live.alive())
    ended(container, status.value_or(kUnknownStatus), wall_clock_ns());
}

}  // namespace berth::supervise
