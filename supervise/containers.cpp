#include "supervise/containers.h"

#include <fmt/core.h>
#include <signal.h>

#include <algorithm>
#include <boost/asio/experimental/awaitable_operators.hpp>

#include "base/text.h"
#include "engine/log_reader.h"
#include "engine/record.h"
#include "engine/run_spec.h"
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

/// Trees of images that are mounted; those that were taken over from another container have theirs.
Status find_images(const images::Store& images, std::vector<engine::MountConfig>& mounts) {
  for (engine::MountConfig& mount : mounts) {
    if (mount.type != "image" || !mount.layers.empty()) continue;
    Result<images::Image> image = images.resolve(mount.source);
    if (!image) {
      Status failed = std::move(image).error();
      return mount.place.empty() ? std::move(failed) : std::move(failed).context("{}", mount.place);
    }
    if (image->layer_dirs.empty()) return make_error(fmt::format("image {} is empty", printable(mount.source)));
    mount.image_id = image->id.str();
    mount.layers = image->layer_dirs;
  }
  return {};
}

}  // namespace

bool Containers::busy() const {
  return std::any_of(containers_.begin(), containers_.end(), [](const auto& entry) {
    const Managed& c = *entry.second;
    return c.live.alive() || c.starting || c.live.status == engine::Status::restarting;
  });
}

ContainerPtr Containers::find(const std::string& id) const {
  auto found = containers_.find(id);
  return found == containers_.end() ? nullptr : found->second;
}

Result<ContainerPtr> Containers::create(const engine::Stack& stack, const engine::ServiceConfig& service,
                                        const engine::CreateContainer& action, const engine::Lenders& lenders) {
  auto in_context = [&](Error error) {
    if (!service.image_place.empty()) error.context.push_back(service.image_place);
    error.context.push_back(fmt::format("service \"{}\"", service.name));
    return error;
  };
  Result<images::Store> images = images::Store::open(parts_.store.paths());
  if (!images) return in_context(std::move(images).error());
  // The image must not be pruned before the record says that it is used.
  Result<sys::FileLock> names = images->hold_names();
  if (!names) return in_context(std::move(names).error());
  Result<images::Image> image = images->resolve(service.container.image);
  if (!image) return in_context(std::move(image).error());
  ContainerPtr replaced = find(action.replaces);
  Result<engine::ContainerRecord> record =
      engine::make_record(stack, service, action, *image, lenders, replaced == nullptr ? nullptr : &replaced->record);
  if (!record) return in_context(std::move(record).error());
  if (Status known = find_images(*images, record->mounts); !known) return in_context(std::move(known).error());
  auto container = std::make_shared<Managed>(parts_.io.get_executor(), std::move(record).value());
  container->live.boot_id = sys::boot_id();
  if (Status written = parts_.store.write(container->record); !written) return in_context(std::move(written).error());
  containers_[container->record.id] = container;
  tell(*container, "create");
  parts_.networks.declare(container->record);
  return container;
}

Status Containers::reserve_ports(const ContainerPtr& container) {
  return parts_.networks.reserve_ports(container->record, container->live)
      .context("service \"{}\"", container->record.service);
}

void Containers::write_down(const ContainerPtr& container) {
  // A state that cannot be written (disk full) is still right in memory, and the kernel's truth wins at the next start.
  (void)parts_.store.write(container->record.id, container->live);
  container->changed.notify();
}

Status Containers::send(const Managed& container, int signal) const {
  tell(container, "kill", {{"signal", std::to_string(signal)}});
  return container.process.signal(signal);
}

Status Containers::kill(const ContainerPtr& container, int signal) {
  if (!container->live.alive()) return {};
  if (signal == SIGKILL) container->live.stopped_by_user = true;
  BERTH_TRY_OK(send(*container, signal).context("container {}", container->record.name));
  bool to_end = signal == SIGKILL || signal == sys::parse_signal(container->record.stop_signal).value_or(SIGTERM);
  return to_end ? thaw(container) : Status();
}

Task<void> Containers::stop(ContainerPtr container, std::optional<int64_t> grace_ns) {
  engine::LiveState& live = container->live;
  container->restart_timer.cancel();
  live.stopped_by_user = true;
  if (live.status == engine::Status::restarting) live.status = engine::Status::exited;
  if (!live.alive()) {
    // Not running, but its ports may be reserved for a start that will not come.
    parts_.networks.release(container->record, live, false);
    if (live.status != engine::Status::created) write_down(container);
    co_return Status();
  }
  uint64_t run = container->run;
  int signal = sys::parse_signal(container->record.stop_signal).value_or(SIGTERM);
  BERTH_CO_TRY_OK(send(*container, signal));
  BERTH_CO_TRY_OK(thaw(container));
  Duration grace(grace_ns.value_or(container->record.stop_grace_ns));
  asio::steady_timer deadline(parts_.io, std::min<Duration>(grace, std::chrono::hours(24 * 365)));
  bool killed = false;
  auto over = [&] { return container->run != run || !container->live.alive(); };
  auto kill_all = [container](boost::system::error_code cancelled) {
    if (!cancelled) container->changed.notify();
  };
  deadline.async_wait(kill_all);
  while (!over()) {
    if (!killed && deadline.expiry() <= std::chrono::steady_clock::now()) {
      killed = true;
      BERTH_CO_TRY_OK(send(*container, SIGKILL));
    }
    co_await container->changed.wait();
  }
  tell(*container, "stop");
  co_return Status();
}

Task<void> Containers::remove(ContainerPtr container, bool anonymous_volumes) {
  if (container->live.alive())
    co_return make_error("container " + container->record.name + " is running", "stop it first");
  container->removing = true;
  container->restart_timer.cancel();
  parts_.networks.release(container->record, container->live, false);
  container->changed.notify();
  const engine::StateStore& store = parts_.store;
  std::string id = container->record.id;
  std::vector<std::string> volumes =
      anonymous_volumes ? container->record.anonymous_volumes : std::vector<std::string>();
  // Others may have taken them over (volumes_from).
  std::erase_if(volumes, [&](const std::string& name) {
    return std::any_of(containers_.begin(), containers_.end(), [&](const auto& entry) {
      const std::vector<std::string>& taken = entry.second->record.anonymous_volumes;
      bool stays = entry.first != id && !entry.second->removing;
      return stays && std::find(taken.begin(), taken.end(), name) != taken.end();
    });
  });
  const runtime::Host& host = parts_.host;
  std::string cgroup = engine::cgroup_path(store.paths(), container->record);
  std::function<Status()> work = [&store, &host, id, cgroup, volumes]() -> Status {
    // A supervisor that was killed between clone and record may have left a process that no file names.
    if (Result<runtime::Cgroup> group = runtime::Cgroup::open(host.cgroups(), cgroup)) {
      BERTH_TRY_OK(group->kill());
      BERTH_TRY_OK(group->remove());
    }
    BERTH_TRY_OK(store.remove_container(id));
    if (volumes.empty()) return {};
    BERTH_TRY(volumes::VolumeStore all, volumes::VolumeStore::open(store.paths()));
    for (const std::string& name : volumes) BERTH_TRY_OK(all.remove(name));
    return {};
  };
  Status removed = co_await on_pool<void>(parts_.pool, std::move(work));
  if (!removed) {
    container->removing = false;
    co_return std::move(removed).context("container {}", container->record.name).error();
  }
  containers_.erase(id);
  tell(*container, "destroy");
  container->changed.notify();
  std::string project = container->record.project;
  bool last = std::none_of(containers_.begin(), containers_.end(),
                           [&](auto& e) { return e.second->record.project == project; });
  if (last) parts_.networks.undeclare(project);
  co_return Status();
}

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

Result<sys::UniqueFd> Containers::console(const std::string& id) const {
  std::vector<sys::UniqueFd> stored = parts_.keeper.stored("tty/" + id);
  if (stored.empty()) return make_error("the container does not run, or has no terminal");
  return std::move(stored.front());
}

void Containers::wake_all() {
  for (auto& [id, container] : containers_) container->changed.notify();
}

Error Containers::why_not(const Managed& container, engine::Condition condition) const {
  const engine::LiveState& live = container.live;
  std::string what = "container " + container.record.name;
  if (live.status == engine::Status::exited) {
    what += live.error.empty() ? fmt::format(" exited ({})", live.exit_code) : ": " + live.error;
    if (live.oom_killed) what += ", killed because it used up its memory limit";
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
