// The kernel's OOM killer at work in a container: told when it happens, whether the container ends by it or not.

#include <fcntl.h>

#include <boost/asio/posix/stream_descriptor.hpp>

#include "runtime/oom_events.h"
#include "supervise/containers.h"

namespace berth::supervise {

/// True if there is something new to tell.
bool Containers::note_oom(Managed& container, const runtime::Cgroup& group) const {
  uint64_t kills = group.oom_kills();
  if (kills <= container.oom_kills) return false;
  container.oom_kills = kills;
  container.live.oom_killed = true;
  tell(container, "oom");
  return true;
}

Work Containers::watch_oom(ContainerPtr container, uint64_t run) {
  using Descriptor = asio::posix::stream_descriptor;
  const engine::ResourceConfig& limits = container->record.config.resources;
  // The others end by it only where the whole machine is at its end, and then that is told with their own.
  if (limits.memory <= 0 && limits.parent.empty()) co_return;
  Result<runtime::Cgroup> group = cgroup_of(*container);
  if (!group) co_return;
  Result<runtime::OomEvents> events = runtime::open_oom_events(parts_.host.cgroups(), group->path());
  if (!events) co_return;  // no memory controller: nobody is killed either
  if (container->live.oom_killed) container->oom_kills = group->oom_kills();  // told by the supervisor before us
  Descriptor ready(parts_.io, fcntl(events->fd.get(), F_DUPFD_CLOEXEC, 10));
  auto told = std::make_shared<bool>(false);
  auto over = [&] { return container->run != run || !container->live.alive(); };
  auto listen = [&] {
    *told = false;
    ready.async_wait(events->urgent ? Descriptor::wait_error : Descriptor::wait_read,
                     [container, told](boost::system::error_code stopped) {
                       if (stopped) return;
                       *told = true;
                       container->changed.notify();
                     });
  };
  asio::steady_timer timer(parts_.io);
  while (!over()) {
    events->take();  // before the count is read: what comes later wakes us again
    // The old interface tells before it kills.
    constexpr int kTries = 50;
    bool counted = note_oom(*container, *group);
    for (int i = 0; *told && !counted && i < kTries && !over(); ++i) {
      timer.expires_after(std::chrono::milliseconds(10));
      (void)co_await timer.async_wait(kAwait);
      if (!over()) counted = note_oom(*container, *group);
    }
    if (over()) co_return;
    if (counted) write_down(container);
    listen();
    while (!*told && !over()) co_await container->changed.wait();
  }
}

}  // namespace berth::supervise
