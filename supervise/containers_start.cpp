// How a container comes to run: ports, network, files, volumes, output, process, rules, in this order. Whatever fails,
// what was made for this run is taken back; the kernel frees the rest with the process.

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/posix/stream_descriptor.hpp>

#include "engine/boot.h"
#include "engine/log_reader.h"
#include "engine/logging.h"
#include "runtime/launch.h"
#include "supervise/containers.h"
#include "sys/file.h"
#include "sys/unix_socket.h"
#include "volumes/bind_source.h"
#include "volumes/copy_up.h"
#include "volumes/volume_mount.h"

namespace berth::supervise {
namespace {

constexpr int64_t kNotStarted = 128;  // as Docker, where nothing came so far as to have a code of its own

/// A FIFO at `path`, opened for us to read and for the container to write (and read, see Streams). A new one for each
/// run: what is left in the last one still has its own reader.
Status open_fifo(const std::string& path, sys::UniqueFd& reader, sys::UniqueFd& writer) {
  unlink(path.c_str());
  if (mkfifo(path.c_str(), 0600) != 0) return sys_error("mkfifo " + path, errno);
  BERTH_TRY(reader, sys::open_file(path, O_RDONLY | O_NONBLOCK));
  BERTH_TRY(writer, sys::open_file(path, O_RDWR));
  return {};
}

/// There, mounted where its driver's options say so, and filled from the image at its first use.
Status prepare_volume(const volumes::VolumeStore& volumes, const engine::ContainerRecord& record,
                      const engine::MountConfig& mount) {
  Result<volumes::Volume> volume = volumes.inspect(mount.source);
  if (!volume) volume = volumes.create({mount.source, "local", {}, mount.labels});
  if (!volume) return std::move(volume).error();
  BERTH_TRY_OK(volumes::mount_volume(*volume));
  if (volume->populated || mount.lent) return {};
  if (mount.no_copy) return volumes.mark_populated(mount.source);
  Result<volumes::CopyUp> copied = volumes::copy_up(volumes, mount.source, record.layers, mount.target);
  return copied ? Status() : Status(std::move(copied).error());
}

}  // namespace

Result<Containers::Streams> Containers::open_streams(const Managed& container) const {
  std::string dir = parts_.store.live_dir(container.record.id);
  BERTH_TRY_OK(sys::make_dirs(dir, 0700));
  Streams streams;
  BERTH_TRY_OK(open_fifo(dir + "/stdout", streams.out_reader, streams.out));
  BERTH_TRY_OK(open_fifo(dir + "/stderr", streams.err_reader, streams.err));
  if (container.record.config.stdin_open) {
    sys::UniqueFd reader;  // the container's own: it reads and, holding a writer, never sees an end
    BERTH_TRY_OK(open_fifo(dir + "/stdin", reader, streams.in));
  }
  return streams;
}

/// Where the container's first process reads and writes: the streams of the command it belongs to, or the log. With a
/// tty that is settled when there is one.
Result<runtime::LaunchIo> Containers::connect_output(const ContainerPtr& container, Streams& streams) {
  runtime::LaunchIo io;
  bool tty = container->record.config.tty;
  container->live.attached = container->stdio.has_value();
  if (container->stdio) {
    if (tty) return io;
    streams.in = std::move(container->stdio->in);
    streams.out = std::move(container->stdio->out);
    streams.err = std::move(container->stdio->err);
    container->stdio.reset();
  } else {
    BERTH_TRY(streams, open_streams(*container));
    if (tty) return io;
    BERTH_TRY_OK(pump(*container, streams.out_reader.ref(), streams.err_reader.ref()));
  }
  io.in = streams.in.ref();
  io.out = streams.out.ref();
  io.err = streams.err.ref();
  return io;
}

Status Containers::connect_console(const ContainerPtr& container, sys::FdRef master) {
  if (container->stdio) {
    sys::UniqueFd console = std::move(container->stdio->console);
    container->stdio.reset();
    return sys::send_with_fds(console.ref(), "t", {master}).context("send the terminal to the command");
  }
  parts_.keeper.store("tty/" + container->record.id, {master});
  return pump(*container, master, sys::FdRef(-1));
}

Status Containers::pump(const Managed& container, sys::FdRef out, sys::FdRef err, bool known) {
  std::string path = parts_.store.paths().container(container.record.id);
  BERTH_TRY(sys::UniqueFd directory, sys::open_file(path, O_PATH | O_DIRECTORY));
  LogLimits limits = engine::read_logging(container.record.config.log).limits;
  limits.newest = engine::LogReader::newest(path);
  const KeeperLink::Output output{directory.ref(), out, err, limits};
  if (known)
    parts_.keeper.know_pump(container.record.id, output);
  else
    parts_.keeper.pump(container.record.id, output);
  return {};
}

Task<void> Containers::prepare_mounts(ContainerPtr container) {
  const engine::StateStore& store = parts_.store;
  const engine::ContainerRecord& record = container->record;  // lives as long as `container`, which this frame holds
  std::function<Status()> work = [&store, &record]() -> Status {
    std::optional<volumes::VolumeStore> volumes;
    for (const engine::MountConfig& mount : record.mounts) {
      Status made;
      if (mount.type == "bind") {
        Result<volumes::BindSource> source = volumes::prepare_bind_source(mount.source, mount.create_host_path);
        if (!source) made = std::move(source).error();
      } else if (mount.type == "volume") {
        if (!volumes) {
          BERTH_TRY(volumes, volumes::VolumeStore::open(store.paths()));
        }
        made = prepare_volume(*volumes, record, mount);
      }
      if (!made) return mount.place.empty() ? std::move(made) : std::move(made).context("{}", mount.place);
    }
    return {};
  };
  if (record.mounts.empty()) co_return Status();
  co_return co_await on_pool<void>(parts_.pool, std::move(work));
}

Task<void> Containers::start(ContainerPtr container) {
  if (container->live.alive()) co_return Status();
  container->live.restart_count = 0;
  container->live.restarts = {};
  co_return co_await start_again(std::move(container));
}

Task<void> Containers::start_again(ContainerPtr container) {
  if (container->starting) co_return make_error("container " + container->record.name + " is being started already");
  container->starting = true;
  container->restart_timer.cancel();
  ++container->run;
  engine::LiveState& live = container->live;
  live.stopped_by_user = false;
  live.error.clear();
  live.health.clear();
  live.probes.clear();
  live.failing_streak = 0;
  live.oom_killed = false;
  container->oom_kills = 0;
  Status started = co_await run_once(container);
  container->starting = false;
  container->changed.notify();
  if (started) co_return Status();
  parts_.networks.release(container->record, live, true);
  unmount_unused(container->record);
  live.process = {};
  live.error = started.error().message();
  if (live.exit_code == 0) live.exit_code = kNotStarted;
  if (live.status == engine::Status::restarting) live.status = engine::Status::exited;
  write_down(container);
  const engine::ContainerRecord& record = container->record;
  if (record.project.empty()) co_return std::move(started).error();
  co_return std::move(started).context("service \"{}\"", record.service).error();
}

Task<void> Containers::run_once(ContainerPtr container) {
  const engine::ContainerRecord& record = container->record;
  engine::LiveState& live = container->live;
  live.boot_id = sys::boot_id();
  Laps laps(tracers_, record);
  if (!container->ports_later) BERTH_CO_TRY_OK(co_await parts_.networks.reserve_ports(record, live));
  laps.end("ports");
  BERTH_CO_TRY_OK(co_await prepare_mounts(container));
  laps.end("mounts");
  Result<sys::Netns> netns = co_await network_of(container);
  if (!netns) co_return std::move(netns).error();
  laps.end("network");
  // From here on the container's names are answered and its addresses are its own.
  BERTH_CO_TRY_OK(engine::prepare_files(record, live, parts_.store.paths(), parts_.networks.gateway_of(record)));
  BERTH_CO_TRY(const Loan loan, co_await borrow(container));
  BERTH_CO_TRY(runtime::ContainerSpec spec, engine::run_spec(record, parts_.store.paths(), loan.refs()));
  Streams streams;
  BERTH_CO_TRY(runtime::LaunchIo io, connect_output(container, streams));
  io.netns = netns->fd();
  io.clone_parent = true;
  std::function<Result<runtime::Launch>()> begin = [this, &spec, &io] {
    return runtime::Launch::start(parts_.host, spec, io);
  };
  BERTH_CO_TRY(runtime::Launch launch, co_await on_thread<runtime::Launch>(std::move(begin)));
  laps.end("prepare");
  streams = {};  // the child has its own
  asio::posix::stream_descriptor ready(parts_.io, fcntl(launch.ready_fd().get(), F_DUPFD_CLOEXEC, 10));
  (void)co_await ready.async_wait(asio::posix::stream_descriptor::wait_read, kAwait);
  Result<runtime::Running> running = launch.finish();
  if (!running) {
    live.exit_code = launch.exit_code();
    co_return std::move(running).error();
  }

  laps.end("exec", spec.args.empty() ? "" : spec.args.front());
  container->process = std::move(running->pidfd);
  // With a handle from before its end, the kernel tells how it ended even if the keeper dies first.
  parts_.keeper.store("process/" + record.id, {container->process.fd()});
  container->started = std::chrono::steady_clock::now();
  live.status = engine::Status::running;
  live.process = running->identity;
  live.started_ns = wall_clock_ns();
  live.finished_ns = 0;
  live.exit_code = 0;
  if (record.health) live.health = "starting";
  tell(*container, "start");
  if (running->console_master.valid()) BERTH_CO_TRY_OK(connect_console(container, running->console_master.ref()));
  write_down(container);
  (void)engine::remember_start(parts_.store.paths(), record, live);  // as with write_down(): it runs all the same
  if (Status published = parts_.networks.publish(record, live); !published) {
    (void)container->process.signal(9);  // the exit brings the rest in order
    co_return std::move(published).error();
  }
  laps.end("publish");
  asio::co_spawn(parts_.io, watch_oom(container, container->run), asio::detached);
  if (record.health) asio::co_spawn(parts_.io, watch_health(container, container->run), asio::detached);
  // Its end may have been told before we knew whose it was.
  for (size_t i = 0; i < unclaimed_.size(); ++i) {
    if (unclaimed_[i].pid != live.process.pid) continue;
    ExitRecord exit = unclaimed_[i];
    unclaimed_.erase(unclaimed_.begin() + static_cast<ptrdiff_t>(i));
    parts_.keeper.forget_pump(record.id);
    ended(container, exit.status, exit.time_ns);
    break;
  }
  co_return Status();
}

}  // namespace berth::supervise
