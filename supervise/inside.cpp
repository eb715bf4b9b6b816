#include "supervise/inside.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/posix/stream_descriptor.hpp>

#include "runtime/exec.h"

namespace berth::supervise {
namespace {

using Descriptor = asio::posix::stream_descriptor;

int duplicate(sys::FdRef fd) {
  constexpr int kAboveStandard = 10;
  return fcntl(fd.get(), F_DUPFD_CLOEXEC, kAboveStandard);
}

/// Reads a pipe while its writer runs, so that a talkative one does not block.
class OutputReader : public std::enable_shared_from_this<OutputReader> {
 public:
  OutputReader(asio::io_context& io, sys::UniqueFd pipe, std::function<void(std::string_view)> sink)
      : pipe_(io, pipe.release()), sink_(std::move(sink)) {}

  void read_on() {
    auto again = [self = shared_from_this()](boost::system::error_code stopped) {
      if (!stopped && self->drain()) self->read_on();
    };
    pipe_.async_wait(Descriptor::wait_read, std::move(again));
  }

  /// The rest of what is there; nothing is read or told afterwards.
  void finish() {
    (void)drain();
    sink_ = nullptr;
    boost::system::error_code ignored;  // of a descriptor that is open
    pipe_.close(ignored);
  }

 private:
  /// As much as a pipe holds: one that writes without end must not have us to itself. False at the end.
  bool drain() {
    char buffer[16 << 10];
    constexpr int kReads = 4;
    for (int i = 0; i < kReads && pipe_.is_open(); ++i) {
      ssize_t n = read(pipe_.native_handle(), buffer, sizeof buffer);
      if (n <= 0) return n < 0 && errno == EAGAIN;
      if (sink_) sink_({buffer, static_cast<size_t>(n)});
    }
    return true;
  }

  Descriptor pipe_;
  std::function<void(std::string_view)> sink_;
};

}  // namespace

Task<InsideResult> run_inside(asio::io_context& io, runtime::Host& host, runtime::ContainerSpec container,
                              const sys::Pidfd& first_process, runtime::ExecSpec command, InsideOptions options) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) co_return sys_error("pipe", errno);
  sys::UniqueFd reader(ends[0]), writer(ends[1]);
  fcntl(reader.get(), F_SETFL, O_NONBLOCK);
  runtime::LaunchIo launch_io;
  launch_io.out = writer.ref();
  launch_io.err = writer.ref();
  // The thread stands still until the command's program is executed, and a file system may hold that up.
  const sys::Pidfd init(sys::UniqueFd(duplicate(first_process.fd())));  // the container may start anew meanwhile
  std::function<Result<runtime::Launch>()> begin = [&] {
    return runtime::start_exec(host, container, init, command, launch_io);
  };
  BERTH_CO_TRY(runtime::Launch launch, co_await on_thread<runtime::Launch>(std::move(begin)));
  writer.reset();
  Descriptor ready(io, duplicate(launch.ready_fd()));
  (void)co_await ready.async_wait(Descriptor::wait_read, kAwait);
  BERTH_CO_TRY(runtime::Running running, launch.finish());

  // What the handlers below touch outlives this frame: they may run after it.
  auto process = std::make_shared<sys::Pidfd>(std::move(running.pidfd));
  auto late = std::make_shared<bool>(false);
  auto output = std::make_shared<OutputReader>(io, std::move(reader), std::move(options.on_output));
  output->read_on();
  if (options.on_started) options.on_started(process);
  asio::steady_timer deadline(io);
  if (options.timeout) {
    deadline.expires_after(*options.timeout);
    deadline.async_wait([process, late](boost::system::error_code cancelled) {
      if (cancelled) return;
      *late = true;
      (void)process->signal(SIGKILL);  // then the wait below ends
    });
  }
  Descriptor handle(io, duplicate(process->fd()));
  (void)co_await handle.async_wait(Descriptor::wait_read, kAwait);
  deadline.cancel();
  output->finish();
  siginfo_t info{};
  waitid(P_PIDFD, static_cast<id_t>(process->fd().get()), &info, WEXITED);
  constexpr int kSignalled = 128;
  InsideResult result;
  result.late = *late;
  result.exit_code = info.si_code == CLD_EXITED ? info.si_status : kSignalled + info.si_status;
  co_return result;
}

}  // namespace berth::supervise
