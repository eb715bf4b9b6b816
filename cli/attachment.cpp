#include "cli/attachment.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/client.h"
#include "cli/exit_code.h"
#include "engine/logging.h"
#include "engine/request.h"
#include "sys/file.h"
#include "sys/terminal.h"
#include "sys/unix_socket.h"

namespace berth::cli {
namespace {

/// Where what is typed goes: the container's terminal, of which the keeper holds the master, or the FIFO that is its
/// standard input. Invalid if it takes none.
Result<sys::UniqueFd> open_input(const Context& context, const engine::Container& container) {
  const engine::ContainerRecord& record = container.record;
  if (record.config.tty) {
    BERTH_TRY(auto sockets, sys::socket_pair(SOCK_STREAM));
    BERTH_TRY(Client client, Client::connect(context.paths));
    BERTH_TRY_OK(client.send(engine::to_message(engine::AttachRequest{record.id}), {sockets.second.ref()}));
    sockets.second.reset();
    BERTH_TRY(sys::Message console, sys::receive_with_fds(sockets.first.ref(), 1));
    if (console.fds.empty()) return make_error("the terminal of container " + record.name + " has gone");
    return std::move(console.fds.front());
  }
  if (!record.config.stdin_open) return sys::UniqueFd();
  return sys::open_file(engine::StateStore(context.paths).live_dir(record.id) + "/stdin", O_WRONLY | O_NONBLOCK);
}

class Carrier {
 public:
  Carrier(const AttachFlags& flags, bool tty, sys::UniqueFd input, const DetachKeys& keys, ContainerOutput& output)
      : sig_proxy_(flags.sig_proxy), tty_(tty), input_(std::move(input)), keys_(keys), output_(output) {}

  /// Until the process ends (true), or we leave it: by the keys, or by a signal that is not for it.
  bool carry(const sys::Pidfd& process) {
    sys::UniqueFd signals = sys::signals_as_fd({SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH});
    bool terminal = tty_ && input_.valid();
    std::optional<sys::RawTerminal> raw = terminal ? sys::RawTerminal::enter(sys::FdRef(STDIN_FILENO)) : std::nullopt;
    if (terminal) sys::pass_window_size(input_.ref());
    for (;;) {
      pollfd fds[] = {{input_.valid() ? STDIN_FILENO : -1, POLLIN, 0},
                      {output_.fd().get(), POLLIN, 0},
                      {process.fd().get(), POLLIN, 0},
                      {signals.get(), POLLIN, 0}};
      if (poll(fds, 4, -1) < 0 && errno != EINTR) return false;
      if (fds[3].revents != 0 && !on_signals(signals.ref(), process)) return false;
      if (fds[0].revents != 0 && !type()) return false;
      output_.pump();
      if ((fds[2].revents & POLLIN) == 0) continue;
      usleep(kLastWordsUs);  // the keeper copies what the process wrote before it ended
      output_.pump();
      return true;
    }
  }

  [[nodiscard]] bool detached() const { return detached_; }

 private:
  static constexpr useconds_t kLastWordsUs = 50'000;

  bool on_signals(sys::FdRef signals, const sys::Pidfd& process) {
    while (std::optional<int> signal = sys::next_signal(signals)) {
      if (*signal == SIGWINCH) {
        if (tty_ && input_.valid()) sys::pass_window_size(input_.ref());
      } else if (sig_proxy_) {
        (void)process.signal(*signal);  // it may end at this moment
      } else {
        return false;
      }
    }
    return true;
  }

  /// False if the keys to leave were typed.
  bool type() {
    char buffer[16384];
    ssize_t size = read(STDIN_FILENO, buffer, sizeof buffer);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return true;
    if (size <= 0) {
      input_.reset();  // ours has ended; the container's stays open, as with `stdin_open`
      return true;
    }
    std::optional<std::string> passed = keys_.filter({buffer, static_cast<size_t>(size)});
    detached_ = !passed;
    if (passed && !sys::write_all(input_.ref(), *passed).ok()) input_.reset();
    return !detached_;
  }

  bool sig_proxy_, tty_, detached_ = false;
  sys::UniqueFd input_;
  DetachKeys keys_;
  ContainerOutput& output_;
};

}  // namespace

Result<ContainerOutput> ContainerOutput::follow(const std::string& log) {
  ContainerOutput output;
  output.log_ = log;
  output.notify_.reset(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  std::string directory = log.substr(0, log.rfind('/'));  // where rotation makes the next file
  if (inotify_add_watch(output.notify_.get(), directory.c_str(), IN_MODIFY | IN_CREATE) < 0)
    return sys_error("watch " + directory, errno);
  if (Result<engine::LogReader> reader = engine::LogReader::open(log)) {
    output.reader_ = std::move(reader).value();
    output.reader_->seek_tail(0);
  }
  return output;
}

void ContainerOutput::pump() {
  alignas(inotify_event) char events[4096];
  while (read(notify_.get(), events, sizeof events) > 0) continue;
  if (!reader_) {
    Result<engine::LogReader> reader = engine::LogReader::open(log_);
    if (!reader) return;  // it has not written a log yet
    reader_ = std::move(reader).value();
  }
  while (std::optional<engine::LogEntry> entry = reader_->next()) {
    if (entry->kind != engine::LogEntry::Kind::text) continue;
    FILE* stream = entry->stream == 2 ? stderr : stdout;
    fwrite(entry->text.data(), 1, entry->text.size(), stream);
    if (!entry->partial) fputc('\n', stream);
  }
  fflush(stdout);
}

Result<Attachment> Attachment::prepare(const Context& context, const engine::ContainerRecord& record,
                                       const AttachFlags& flags) {
  BERTH_TRY(DetachKeys keys, DetachKeys::parse(flags.detach_keys));
  if (engine::keeps_no_log(record.config.log))
    return make_error("container " + record.name + " has the logging driver \"none\": its output goes nowhere");
  BERTH_TRY(ContainerOutput output, ContainerOutput::follow(engine::StateStore(context.paths).log_path(record.id)));
  return Attachment(context, flags, std::move(keys), std::move(output));
}

Result<int> Attachment::carry(const engine::Container& container) {
  engine::StateStore store(context_.paths);
  Result<sys::Pidfd> process = sys::open_identified(container.live.process);
  if (!process) {  // it has ended already
    int code = exit_code_after(store, sys::Pidfd(), container.record.id);
    output_.pump();
    return code;
  }
  sys::UniqueFd input;
  if (!flags_.no_stdin) {
    BERTH_TRY(input, open_input(context_, container));
  }
  Carrier carrier(flags_, container.record.config.tty, std::move(input), keys_, output_);
  if (carrier.carry(*process)) return exit_code_after(store, *process, container.record.id);
  if (!carrier.detached()) return kInterrupted;
  fmt::print(stderr, "read escape sequence\n");
  return 0;
}

}  // namespace berth::cli
