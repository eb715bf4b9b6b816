#include "supervise/session.h"

#include <fmt/core.h>

#include <algorithm>
#include <boost/asio/write.hpp>
#include <cstring>

#include "base/text.h"
#include "engine/blocked.h"
#include "engine/plan_request.h"
#include "engine/request.h"
#include "engine/update_request.h"
#include "engine/wire.h"
#include "supervise/rollout.h"
#include "supervise/step_runner.h"
#include "supervise/update_limits.h"
#include "sys/file.h"
#include "sys/unix_socket.h"

namespace berth::supervise {
namespace {

using engine::Json;

/// The lock that a container is under.
std::string lock_of(const std::string& project, const std::string& service) {
  return project.empty() ? "container " + service : "project " + project;
}

/// As the user typed it; for somebody else's eyes, so cut to a length that can be read.
std::string command_line_of(pid_t pid) {
  constexpr size_t kLongest = 80;
  std::string text = sys::read_file(fmt::format("/proc/{}/cmdline", pid), 1 << 20).value_or("");
  while (text.ends_with('\0')) text.pop_back();
  std::replace(text.begin(), text.end(), '\0', ' ');
  const size_t program = text.substr(0, text.find(' ')).rfind('/');
  if (program != std::string::npos) text.erase(0, program + 1);
  if (text.size() > kLongest) text = text.substr(0, kLongest) + "...";
  return text.empty() ? "another command" : printable(text);
}

Json error_json(const Error& error) {
  return {{"message", error.message()}, {"hint", error.hint}};
}

}  // namespace

Session::Session(Parts parts, asio::local::stream_protocol::socket socket, pid_t peer)
    : parts_(parts), socket_(std::move(socket)), peer_(peer), silence_(parts.io.get_executor()) {}

void Session::send(const Json& message) {
  if (closed_) return;
  unsent_ += engine::frame(message);
  if (writing_) return;
  writing_ = true;
  auto self = shared_from_this();
  asio::co_spawn(
      parts_.io, [self]() -> Work { return self->write_loop(); }, asio::detached);
}

Work Session::write_loop() {
  while (!unsent_.empty()) {
    std::string data = std::move(unsent_);
    unsent_.clear();
    auto [error, size] = co_await asio::async_write(socket_, asio::buffer(data), kAwait);
    if (error) {
      closed_ = true;  // nobody reads any more; the work goes on
      break;
    }
  }
  writing_ = false;
}

asio::awaitable<Result<Json>> Session::receive() {
  constexpr size_t kHeader = sizeof(uint32_t), kChunk = 256 << 10;
  for (;;) {
    uint32_t length = 0;
    if (received_.size() >= kHeader) std::memcpy(&length, received_.data(), kHeader);
    if (length > engine::kMaxFrame) co_return sys_error("receive request", EMSGSIZE);
    if (received_.size() >= kHeader && received_.size() - kHeader >= length) {
      std::string text = received_.substr(kHeader, length);
      received_.erase(0, kHeader + length);
      co_return engine::from_json_text<Json>(text, "request");
    }
    auto [error] = co_await socket_.async_wait(asio::socket_base::wait_read, kAwait);
    if (error) co_return sys_error("receive request", EPIPE);
    Result<sys::Message> message = sys::receive_with_fds(sys::FdRef(socket_.native_handle()), kChunk);
    if (!message && message.error().code == EAGAIN) continue;
    if (!message || message->data.empty()) co_return sys_error("receive request", EPIPE);
    received_ += message->data;
    for (sys::UniqueFd& fd : message->fds) received_fds_.push_back(std::move(fd));
  }
}

Work Session::receive_cancel() {
  for (;;) {
    Result<Json> message = co_await receive();
    if (!message) {
      silent_ = true;
      silence_.notify();
      parts_.locks.wake();
      co_return;
    }
    if (message->is_object() && message->value("op", "") == "cancel") {
      cancelled_ = true;
      if (apply_) apply_->cancel();
      parts_.locks.wake();
    }
  }
}

Work Session::run() {
  auto self = shared_from_this();
  Result<Json> request = co_await receive();
  if (!request) co_return;
  asio::co_spawn(
      parts_.io, [self]() -> Work { return self->receive_cancel(); }, asio::detached);
  if (!request->is_object()) {
    finish({make_error("the request is not an object")});
  } else {
    Json message = std::move(request).value();
    std::set<std::string> needed = in_need_of(message);
    // A kill is what somebody sends who does not want to wait, for example for a stop; to attach or lend changes
    // nothing.
    std::string op = message.value("op", "");
    bool locks = op != engine::KillRequest::kOp && op != engine::AttachRequest::kOp && op != engine::LendRequest::kOp;
    if (!locks || co_await lock(needed))
      co_await answer(std::move(message));
    else
      finish({make_error("cancelled")});
    unlock();
  }
  asio::steady_timer flush(parts_.io);
  while (writing_ && !closed_) {
    flush.expires_after(std::chrono::microseconds(200));
    (void)co_await flush.async_wait(kAwait);
  }
  boost::system::error_code ignored;  // the connection may be gone already
  socket_.shutdown(asio::local::stream_protocol::socket::shutdown_both, ignored);
}

/// The locks of all that the request is about.
std::set<std::string> Session::in_need_of(const Json& request) const try {
  if (request.contains("stack")) {
    const Json &stack = request["stack"], &services = stack.at("services");
    return {lock_of(stack.value("project", ""), services.empty() ? "" : services.back().value("name", ""))};
  }
  const Json selection = request.value("selection", Json::object());
  const auto ids = selection.value("containers", std::set<std::string>());
  std::set<std::string> needed;
  for (const std::string& id : ids) {
    if (ContainerPtr container = parts_.containers.find(id))
      needed.insert(lock_of(container->record.project, container->record.service));
  }
  if (ids.empty()) needed.insert("project " + selection.value("project", ""));
  return needed;
} catch (const Json::exception&) {
  return {};  // whoever carries it out says what is wrong with it
}

/// False if the command gave up, or was ended, while it waited for others. Everybody takes locks in the same order, so
/// nobody waits for ever.
asio::awaitable<bool> Session::lock(std::set<std::string> needed) {
  const std::string who = fmt::format("{} (pid {})", command_line_of(peer_), peer_);
  for (const std::string& what : needed) {
    std::string told;
    while (!parts_.locks.try_lock(what, who)) {
      const std::string holder = parts_.locks.holder(what);
      if (std::exchange(told, holder) != holder)
        send({{"type", "waiting"}, {"text", fmt::format("{} works on {}", holder, what)}});
      co_await parts_.locks.wait();
      if (cancelled_ || silent_) co_return false;
    }
    locked_.insert(what);
  }
  co_return true;
}

void Session::unlock() {
  for (const std::string& what : std::exchange(locked_, {})) parts_.locks.unlock(what);
}

Work Session::answer(Json request) {
  engine::Stack stack;
  std::string op = request.value("op", "");
  if (op == engine::LendRequest::kOp) {
    co_await lend(request.value("network", ""));
    co_return;
  }
  if (op == engine::AttachRequest::kOp) {
    Status sent = send_console(request);
    finish(sent ? std::vector<Error>() : std::vector<Error>{std::move(sent).error()});
    co_return;
  }
  if (op == engine::UpdateRequest::kOp) {
    finish(update_limits(request, parts_.containers, parts_.store));
    co_return;
  }
  at_once_ = static_cast<size_t>(std::max<int64_t>(0, request.value("parallel", int64_t{0})));
  const int64_t planning_us = engine::trace_clock_us();
  Result<engine::Plan> plan = engine::plan_for(request, parts_.store, parts_.containers.control_groups(), stack);
  if (request.value("trace", false)) {
    begin_trace(stack.project);
    send_span({"berth", "plan", planning_us, engine::trace_clock_us(), "", !plan.ok()});
  }
  if (!plan) {
    finish({std::move(plan).error()});
    co_return;
  }
  for (const std::string& warning : plan->warnings) send({{"type", "warning"}, {"text", warning}});
  if (!plan->problems.empty()) {
    finish(plan->problems);
    co_return;
  }
  std::vector<std::string> services;
  for (const engine::ServiceConfig& service : stack.services) services.push_back(service.name);
  if (!services.empty()) parts_.networks.declare(stack.project, services);

  HostRunner runner(parts_.io, parts_.containers, parts_.networks, parts_.store, std::move(stack));
  runner.on_hook_line([this](const std::string& source, const std::string& line) {
    send({{"type", "output"}, {"source", source}, {"text", line}});
  });
  if (Status taken = take_stdio(request, runner); !taken) {
    finish({std::move(taken).error()});
    co_return;
  }
  bool makes = op == engine::UpRequest::kOp || op == engine::RunRequest::kOp;
  std::vector<Error> errors = co_await carry_out_all(*plan, runner, makes);
  ContainerPtr one_off = runner.one_off();
  if (one_off == nullptr || !errors.empty()) {
    finish(std::move(errors), one_off == nullptr ? std::nullopt : std::optional(one_off->live.exit_code));
    co_return;
  }
  unlock();  // others may go on with the project while this one runs
  co_await follow_one_off(std::move(one_off), request.value("attach", true));
}

Work Session::follow_one_off(ContainerPtr container, bool attached) {
  const sys::ProcessIdentity& process = container->live.process;
  send({{"type", "running"}, {"id", container->record.id}, {"pid", process.pid}, {"start_time", process.start_time}});
  if (!attached) {
    if (engine::LiveState& live = container->live; live.status == engine::Status::created) {
      live.stopped_by_user = true;  // the next supervisor does not take it for one whose start was cut off
      (void)parts_.store.write(container->record.id, live);
    }
    finish({});
    co_return;
  }
  co_await parts_.containers.wait_until_over(container);
  // Its interfaces go with its network namespace, which the kernel takes apart on its own; nobody has to wait for that.
  if (container->record.auto_remove) asio::co_spawn(parts_.io, parts_.networks.settle(), asio::detached);
  finish({}, container->live.exit_code);
}

asio::awaitable<engine::ApplyReport> Session::apply(const engine::Plan& plan, HostRunner& runner, bool keep_going,
                                                    bool quiet) {
  ++plan_number_;
  auto ended = std::make_shared<std::optional<engine::ApplyReport>>();
  auto wake = std::make_shared<asio::steady_timer>(parts_.io, asio::steady_timer::time_point::max());
  auto finished = [ended, wake](engine::ApplyReport report) {
    *ended = std::move(report);
    wake->cancel();
  };
  auto observer = [this, quiet, &plan](engine::StepId id, engine::StepEvent event, const Error* error) {
    if (!quiet) send_step(plan, id, event, error);
  };
  apply_ = engine::Apply::run(plan, runner, {keep_going, at_once_}, std::move(observer), std::move(finished));
  if (cancelled_ && !quiet) apply_->cancel();
  while (!*ended) (void)co_await wake->async_wait(kAwait);
  apply_ = nullptr;
  co_return std::move(**ended);
}

asio::awaitable<std::vector<Error>> Session::carry_out_all(const engine::Plan& plan, HostRunner& runner,
                                                           bool undo_on_failure) {
  std::vector<Error> errors = co_await carry_out(plan, runner, undo_on_failure);
  RolloutHooks hooks;
  hooks.carry_out = [this, &runner](const engine::Plan& part, bool undo) { return carry_out(part, runner, undo); };
  hooks.complete = [this, &runner](const engine::Plan& part) { return complete(part, runner); };
  hooks.warn = [this](const std::string& text) { send({{"type", "warning"}, {"text", text}}); };
  hooks.cancelled = [this] { return cancelled_; };
  for (const engine::ServiceUpdate& update : plan.updates) {
    if (!errors.empty()) break;
    errors = co_await roll_out(update, hooks);
  }
  co_return errors;
}

asio::awaitable<std::vector<Error>> Session::carry_out(const engine::Plan& plan, HostRunner& runner,
                                                       bool undo_on_failure) {
  engine::ApplyReport report = co_await apply(plan, runner, !undo_on_failure, false);
  // What came too late is nothing to take back: `up` in the foreground stops what runs, `run` passes the signal on.
  if (report.failures.empty() && report.done.size() == plan.steps.size()) report.cancelled = false;
  std::vector<Error> errors;
  // Where a step failed, waits that were cancelled because of it say nothing new.
  for (engine::StepFailure& failure : report.failures) {
    const engine::Step& step = plan.steps[failure.step];
    bool wait = std::holds_alternative<engine::WaitFor>(step.action);
    if (wait && (&failure != &report.failures.front() || report.cancelled)) continue;
    Error error = std::move(failure.error);
    if (wait) error.context.push_back(step.why == engine::kFinalWait ? "not ready" : "dependency failed to start");
    std::string text = error.message();
    for (const std::string& line : engine::blocked_by(plan, failure.step)) text += "\n  " + line;
    errors.push_back(make_error(std::move(text), std::move(error.hint)));
  }
  if (report.cancelled) errors.push_back(make_error("cancelled"));
  for (const std::string& warning : parts_.networks.take_warnings()) send({{"type", "warning"}, {"text", warning}});
  for (const std::string& hint : runner.take_hints()) send({{"type", "warning"}, {"text", hint}});
  if (undo_on_failure && !report.ok()) {
    engine::Plan undo = engine::plan_undo(plan, report.done);
    std::vector<Error> wrong = co_await complete(undo, runner);
    for (Error& error : wrong) {
      error.context.emplace_back("taking back what failed");
      errors.push_back(std::move(error));
    }
  }
  bool removes_networks = std::any_of(plan.steps.begin(), plan.steps.end(), [](const engine::Step& step) {
    return std::holds_alternative<engine::RemoveContainer>(step.action);
  });
  if (removes_networks || !errors.empty()) co_await parts_.networks.settle();
  co_return errors;
}

asio::awaitable<std::vector<Error>> Session::complete(const engine::Plan& plan, HostRunner& runner) {
  runner.allow_waits();
  engine::ApplyReport report = co_await apply(plan, runner, true, true);
  std::vector<Error> errors;
  for (engine::StepFailure& failure : report.failures) errors.push_back(std::move(failure.error));
  co_await parts_.networks.settle();
  co_return errors;
}

void Session::send_step(const engine::Plan& plan, engine::StepId id, engine::StepEvent event, const Error* error) {
  engine::StepWords w = engine::words(plan.steps[id].action);
  Json message{{"type", "step"}, {"step", id}, {"kind", w.kind}, {"name", w.name}, {"verb", w.verb}};
  switch (event) {
    case engine::StepEvent::started:
      message["state"] = "started";
      break;
    case engine::StepEvent::done:
      message["state"] = "done";
      break;
    case engine::StepEvent::failed:
      message["state"] = "failed";
      break;
  }
  if (error != nullptr) message["error"] = error->message();
  if (trace_) add_trace(plan, id, message);
  send(message);
}

void Session::finish(std::vector<Error> errors, std::optional<int64_t> exit_code) {
  Json list = Json::array();
  for (const Error& error : errors) list.push_back(error_json(error));
  Json result{{"type", "result"},
              {"ok", errors.empty()},
              {"errors", list},
              {"leaving", !parts_.containers.busy()},
              {"cancelled", cancelled_}};
  if (exit_code) result["exit_code"] = *exit_code;
  send(result);
}

}  // namespace berth::supervise
