#include "cli/one_off.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <optional>
#include <utility>

#include "cli/client.h"
#include "cli/exit_code.h"
#include "cli/progress.h"
#include "cli/project.h"
#include "cli/request.h"
#include "cli/signals.h"
#include "engine/state.h"
#include "sys/file.h"
#include "sys/stdio_relay.h"
#include "sys/terminal.h"
#include "sys/unix_socket.h"

namespace berth::cli {
namespace {

/// What the container gets, and our end of the terminal's way if it has one.
struct Streams {
  sys::UniqueFd null;
  sys::UniqueFd console_near, console_far;
  sys::StdioRelay relay;

  [[nodiscard]] static Result<Streams> make(bool tty, const OneOffStreams& ours) {
    Streams streams;
    if (tty) {
      BERTH_TRY(auto pair, sys::socket_pair(SOCK_STREAM));
      streams.console_near = std::move(pair.first);
      streams.console_far = std::move(pair.second);
    } else {
      BERTH_TRY(streams.null, sys::open_file("/dev/null", O_RDWR));
      BERTH_TRY(streams.relay, sys::StdioRelay::open(ours.in, ours.out, ours.err));
    }
    return streams;
  }

  /// In the order of engine::RunRequest.
  [[nodiscard]] std::vector<sys::FdRef> to_send() const {
    if (console_far.valid()) return {console_far.ref()};
    std::vector<sys::FdRef> fds;
    for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
      const sys::FdRef given = relay.of_process(stream);
      fds.push_back(given.valid() ? given : null.ref());
    }
    return fds;
  }
};

class OneOff {
 public:
  OneOff(const Context& context, const engine::RunRequest& request, int failed)
      : context_(context), request_(request), failed_(failed), progress_(context, Progress::Terminal::lines) {}

  int run(const OneOffStreams& ours, const std::string& cid_file) {
    Result<int> code = attempt(ours, cid_file);
    if (code) return *code;
    print_error(context_, code.error());
    return failed_;
  }

 private:
  Result<int> attempt(const OneOffStreams& ours, const std::string& cid_file) {
    bool tty = request_.stack.services.back().container.tty;
    Streams streams;
    std::optional<Client> client;
    Result<engine::Json> told = make_error("the supervisor did not answer");
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      if (request_.attach) {
        BERTH_TRY(streams, Streams::make(tty, ours));
      }
      BERTH_TRY(client, Client::connect(context_.paths));
      Status sent =
          client->send(engine::to_message(request_), request_.attach ? streams.to_send() : std::vector<sys::FdRef>());
      streams.console_far.reset();
      told = sent ? until_running(*client) : Result<engine::Json>(std::move(sent).error());
      if (told || !supervisor_died(told.error())) break;
      told = running_by_record(told.error());
      // One that was about to leave when we connected has begun nothing; there is no use in telling of that.
      if (told || heard_) break;
    }
    BERTH_TRY(engine::Json message, std::move(told));
    if (message.value("type", "") == "result") return finish(message);
    if (!cid_file.empty())
      BERTH_TRY_OK(sys::write_file_atomic(cid_file, message.value("id", ""), sys::Durability::none, 0644));
    if (!request_.attach) {
      fmt::print("{}\n", message.value("id", ""));
      BERTH_TRY(engine::Json result, client->receive());
      return finish(result);
    }

    sys::ProcessIdentity identity{message.value("pid", 0), message.value("start_time", uint64_t{0})};
    Result<sys::Pidfd> opened = sys::open_identified(identity);
    sys::Pidfd process = opened ? std::move(opened).value() : sys::Pidfd();  // it may have ended already
    // It came too late to cancel the start, so it is for the command.
    if (int signal = std::exchange(early_signal_, 0); signal != 0 && process.valid())
      BERTH_TRY_OK(process.signal(signal));
    if (tty) {
      BERTH_TRY(sys::Message console, sys::receive_with_fds(streams.console_near.ref(), 1));
      if (console.fds.empty()) return make_error("the supervisor did not send the container's terminal");
      sys::attach_terminal(console.fds.front().ref(), process);
    } else {
      streams.relay.carry(process);
    }
    for (;;) {
      Result<engine::Json> next = client->receive();
      if (!next) return exit_code_after(engine::StateStore(context_.paths), process, message.value("id", ""));
      if (next->value("type", "") == "result") return finish(*next);
    }
  }

  /// Passes progress on; a signal takes back what was begun. The message that says it runs, or the result.
  Result<engine::Json> until_running(Client& client) {
    for (;;) {
      pollfd fds[] = {{client.fd().get(), POLLIN, 0}, {signals_.fd().get(), POLLIN, 0}};
      if (poll(fds, 2, -1) < 0 && errno != EINTR) return sys_error("poll", errno);
      if (int signal = (fds[1].revents & POLLIN) != 0 ? signals_.take() : 0; signal != 0) {
        if (std::exchange(early_signal_, signal) != 0) _exit(130);
        BERTH_TRY_OK(client.send({{"op", "cancel"}}));
      }
      if ((fds[0].revents & (POLLIN | POLLHUP)) == 0) continue;
      BERTH_TRY(engine::Json message, client.receive());
      heard_ = true;
      std::string type = message.value("type", "");
      if (type == "result" || type == "running") return message;
      progress_.on_event(message);
    }
  }

  /// The supervisor was killed before it could tell that the container runs, but it has written that down.
  Result<engine::Json> running_by_record(const Error& died) {
    for (const engine::Container& container : engine::StateStore(context_.paths).observe().containers) {
      const sys::ProcessIdentity& process = container.live.process;
      if (container.record.name != request_.options.one_off.name || process.pid == 0) continue;
      return engine::Json{
          {"type", "running"}, {"id", container.record.id}, {"pid", process.pid}, {"start_time", process.start_time}};
    }
    return died;
  }

  int finish(const engine::Json& result) {
    conclude(context_, result, early_signal_ != 0);
    if (early_signal_ != 0) return 130;
    // Of one that could not be started: 126 and 127 are about its command, anything else is not.
    const bool ok = result.value("ok", false);
    const int code = result.value("exit_code", 0);
    return ok || code == 126 || code == 127 ? code : failed_;
  }

  const Context& context_;
  const engine::RunRequest& request_;
  int failed_;
  Progress progress_;
  Signals signals_;       // from now until the end none of them strikes
  bool heard_ = false;    // the supervisor has begun
  int early_signal_ = 0;  // one that came before we knew that the container runs
};

}  // namespace

int run_one_off(const Context& context, const engine::RunRequest& request, const OneOffStreams& streams, int failed,
                const std::string& cid_file) {
  return OneOff(context, request, failed).run(streams, cid_file);
}

}  // namespace berth::cli
