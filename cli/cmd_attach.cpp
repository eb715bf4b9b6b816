#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/container_choice.h"
#include "cli/detach_keys.h"
#include "cli/exit_code.h"
#include "cli/project.h"
#include "engine/log_reader.h"
#include "engine/logging.h"
#include "engine/request.h"
#include "sys/file.h"
#include "sys/terminal.h"
#include "sys/unix_socket.h"

namespace berth::cli {
namespace {

struct AttachFlags {
  ContainerChoice container;
  std::string detach_keys = "ctrl-p,ctrl-q";
  bool no_stdin = false, sig_proxy = true;
};

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

/// What the container writes from now on, out of its log; to our streams as it came.
class Output {
 public:
  [[nodiscard]] static Result<Output> follow(const std::string& log) {
    Output output;
    output.notify_.reset(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    std::string directory = log.substr(0, log.rfind('/'));  // where rotation makes the next file
    if (inotify_add_watch(output.notify_.get(), directory.c_str(), IN_MODIFY | IN_CREATE) < 0)
      return sys_error("watch " + directory, errno);
    BERTH_TRY(output.reader_, engine::LogReader::open(log));
    output.reader_->seek_tail(0);
    return output;
  }

  [[nodiscard]] sys::FdRef fd() const { return notify_.ref(); }

  void pump() {
    alignas(inotify_event) char events[4096];
    while (read(notify_.get(), events, sizeof events) > 0) continue;
    while (std::optional<engine::LogEntry> entry = reader_->next()) {
      if (entry->kind != engine::LogEntry::Kind::text) continue;
      FILE* stream = entry->stream == 2 ? stderr : stdout;
      fwrite(entry->text.data(), 1, entry->text.size(), stream);
      if (!entry->partial) fputc('\n', stream);
    }
    fflush(stdout);
  }

 private:
  sys::UniqueFd notify_;
  std::optional<engine::LogReader> reader_;
};

class Attachment {
 public:
  Attachment(const AttachFlags& flags, const engine::Container& container, sys::UniqueFd input, DetachKeys keys,
             Output output)
      : sig_proxy_(flags.sig_proxy),
        tty_(container.record.config.tty),
        input_(std::move(input)),
        keys_(std::move(keys)),
        output_(std::move(output)) {}

  /// Until the process ends (true), or we leave it: by the keys, or by a signal that is not for it.
  bool carry(const sys::Pidfd& process) {
    sys::UniqueFd signals = sys::signals_as_fd({SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH});
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
  Output output_;
};

Result<int> attach(const Context& context, const AttachFlags& flags) {
  BERTH_TRY(DetachKeys keys, DetachKeys::parse(flags.detach_keys));
  BERTH_TRY(engine::Container container, find_container(context, flags.container));
  const std::string& name = container.record.name;
  if (container.live.status == engine::Status::paused)
    return make_error("container " + name + " is paused", "let it go on with `berth unpause`");
  if (!container.live.alive()) return make_error("container " + name + " is not running");
  if (container.live.attached)
    return make_error("the output of container " + name + " belongs to the command that started it");
  if (engine::keeps_no_log(container.record.config.log))
    return make_error("container " + name + " has the logging driver \"none\": its output goes nowhere");
  BERTH_TRY(sys::Pidfd process, sys::open_identified(container.live.process));
  engine::StateStore store(context.paths);
  BERTH_TRY(Output output, Output::follow(store.log_path(container.record.id)));
  sys::UniqueFd input;
  if (!flags.no_stdin) {
    BERTH_TRY(input, open_input(context, container));
  }
  Attachment attachment(flags, container, std::move(input), std::move(keys), std::move(output));
  if (attachment.carry(process)) return exit_code_after(store, process, container.record.id);
  if (!attachment.detached()) return kInterrupted;
  fmt::print(stderr, "read escape sequence\n");
  return 0;
}

void add(Command app, Context& context, bool of_service) {
  auto flags = std::make_shared<AttachFlags>();
  Command command = app.add_command(
      "attach", of_service ? "Attach local standard input, output, and error streams to a service's running container"
                           : "Attach local standard input, output, and error streams to a running container");
  choose_container(command, flags->container, of_service);
  command.option("--detach-keys", flags->detach_keys, "Override the key sequence for detaching from a container");
  command.flag("--no-stdin", flags->no_stdin, "Do not attach STDIN");
  command.flag("--sig-proxy,!--no-sig-proxy", flags->sig_proxy,
               "Proxy all received signals to the process (default true)");
  command.runs(context, [&context, flags] {
    Result<int> code = attach(context, *flags);
    return code ? *code : report(context, code.error());
  });
}

}  // namespace

void add_attach(Command app, Context& context) {
  add(app, context, true);
}

void add_container_attach(Command noun, Context& context) {
  add(noun, context, false);
}

}  // namespace berth::cli
