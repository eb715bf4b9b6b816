#include "cli/request.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

#include "base/text.h"
#include "cli/plan_view.h"
#include "cli/progress.h"
#include "cli/project.h"
#include "sys/file.h"

namespace berth::cli {
namespace {

/// Why no supervisor comes up, as far as one has said so.
Error last_words(const sys::Paths& paths) {
  const std::string log = paths.run + "/supervisor.log";
  const std::vector<std::string> lines = split(trim(sys::read_file(log).value_or("")), '\n');
  const std::string& last = lines.back();
  return make_error(
      last.empty() ? "the supervisor ended without an answer" : "no supervisor comes up: " + printable(last),
      "look at " + log);
}

engine::Json again(engine::Json request) {
  request["again"] = true;
  return request;
}

/// --parallel is about the steps of a plan, too.
engine::Json bounded(const Context& context, engine::Json request) {
  if (int64_t limit = parallel_limit(context); limit > 0) request["parallel"] = limit;
  return request;
}

/// One request on its way, with all that may happen meanwhile.
class Conversation {
 public:
  Conversation(const Context& context, Signals& signals, const Watch& also, const Escalation& on_signal)
      : context_(context), progress_(context), signals_(signals), also_(also), on_signal_(on_signal) {}

  /// Sends the request and passes events on until the result. EPIPE: the supervisor died in the middle.
  Result<engine::Json> hold(const engine::Json& request) {
    Result<engine::Json> result = exchange(request);
    progress_.finish();
    return result;
  }

  [[nodiscard]] bool cancelled() const { return signalled_ && !on_signal_; }

 private:
  Result<engine::Json> exchange(const engine::Json& request) {
    BERTH_TRY(Client client, Client::connect(context_.paths));
    BERTH_TRY_OK(client.send(bounded(context_, request)));
    for (;;) {
      pollfd fds[] = {{client.fd().get(), POLLIN, 0}, {signals_.fd().get(), POLLIN, 0}, {also_.fd.get(), POLLIN, 0}};
      if (poll(fds, also_.fd.valid() ? 3 : 2, progress_.patience_ms()) < 0 && errno != EINTR)
        return sys_error("poll", errno);
      progress_.tick();
      if ((fds[1].revents & POLLIN) != 0 && signals_.take() != 0) BERTH_TRY_OK(on_signal(client));
      if (also_.fd.valid() && (fds[2].revents & POLLIN) != 0) progress_.aside(also_.readable);
      if ((fds[0].revents & (POLLIN | POLLHUP)) == 0) continue;
      BERTH_TRY(engine::Json message, client.receive());
      if (message.value("type", "") == "result") return message;
      progress_.on_event(message);
    }
  }

  Status on_signal(Client& client) {
    if (signalled_) _exit(130);
    signalled_ = true;
    if (!on_signal_) return client.send({{"op", "cancel"}});
    BERTH_TRY(beside_, Client::connect(context_.paths));
    return beside_->send(on_signal_());
  }

  const Context& context_;
  Progress progress_;
  Signals& signals_;
  const Watch& also_;
  const Escalation& on_signal_;
  bool signalled_ = false;
  std::optional<Client> beside_;
};

}  // namespace

bool supervisor_died(const Error& error) {
  return error.code == EPIPE || error.code == ECONNRESET;
}

void conclude(const Context& context, const engine::Json& result, bool cancelled) {
  for (const engine::Json& error : result.value("errors", engine::Json::array())) {
    if (cancelled && error.value("message", "") == "cancelled") continue;
    print_error(context, make_error(error.value("message", ""), error.value("hint", "")));
  }
  if (result.value("leaving", false)) wait_until_gone(context.paths);
}

Outcome carry_out(const Context& context, const engine::Json& request, Signals& signals, const Watch& also,
                  const Escalation& on_signal) {
  if (context.dry_run) return Outcome{dry_run(context, request) == 0, false};
  Conversation conversation(context, signals, also, on_signal);
  Result<engine::Json> result = make_error("the supervisor did not answer");
  // A supervisor that dies in the middle is replaced, and asked again: requests name a state, so asking twice is asking
  // once.
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    result = conversation.hold(attempt == 0 ? request : again(request));
    if (result.ok() || !supervisor_died(result.error())) break;
  }
  Outcome outcome;
  outcome.cancelled = conversation.cancelled();
  if (!result) {
    print_error(context, supervisor_died(result.error()) ? last_words(context.paths) : result.error());
    return outcome;
  }
  conclude(context, *result, outcome.cancelled);
  outcome.ok = result->value("ok", false);
  return outcome;
}

int carry_out(const Context& context, const engine::Json& request) {
  Signals signals;
  return carry_out(context, request, signals).exit_code();
}

}  // namespace berth::cli
