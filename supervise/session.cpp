#include "supervise/session.h"

#include <fmt/core.h>

#include <algorithm>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include "engine/request.h"
#include "engine/wire.h"
#include "supervise/step_runner.h"

namespace berth::supervise {
namespace {

using engine::Json;

std::string project_of(const Json& request) {
  if (request.contains("stack")) return request["stack"].value("project", "");
  return request.contains("selection") ? request["selection"].value("project", "") : "";
}

Json error_json(const Error& error) {
  return {{"message", error.message()}, {"hint", error.hint}};
}

/// The request in `message` as a value, or an error that says what is wrong with it.
template <class Request>
Result<Request> parse(const Json& message) {
  try {
    return message.get<Request>();
  } catch (const Json::exception& e) {
    return make_error(std::string("the request is not understood: ") + e.what());
  }
}

}  // namespace

Session::Session(Parts parts, asio::local::stream_protocol::socket socket)
    : parts_(parts), socket_(std::move(socket)) {}

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
  uint32_t length = 0;
  auto [error, size] = co_await asio::async_read(socket_, asio::buffer(&length, sizeof length), kAwait);
  if (error) co_return sys_error("receive request", EPIPE);
  if (length > engine::kMaxFrame) co_return sys_error("receive request", EMSGSIZE);
  std::string text(length, '\0');
  auto [body_error, body_size] = co_await asio::async_read(socket_, asio::buffer(text), kAwait);
  if (body_error) co_return sys_error("receive request", EPIPE);
  co_return engine::from_json_text<Json>(text, "request");
}

Work Session::receive_cancel() {
  for (;;) {
    Result<Json> message = co_await receive();
    if (!message) co_return;
    if (message->is_object() && message->value("op", "") == "cancel") {
      cancelled_ = true;
      if (apply_) apply_->cancel();
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
    std::string project = project_of(message);
    bool waited = false;
    // A kill is what somebody sends who does not want to wait, for example for a stop.
    bool locks = message.value("op", "") != engine::KillRequest::kOp;
    while (locks && !parts_.locks.try_lock(project)) {
      if (!std::exchange(waited, true))
        send({{"type", "waiting"}, {"text", "another command works on project " + project}});
      co_await parts_.locks.wait();
    }
    co_await answer(std::move(message));
    if (locks) parts_.locks.unlock(project);
  }
  asio::steady_timer flush(parts_.io);
  while (writing_ && !closed_) {
    flush.expires_after(std::chrono::microseconds(200));
    (void)co_await flush.async_wait(kAwait);
  }
  boost::system::error_code ignored;  // the connection may be gone already
  socket_.shutdown(asio::local::stream_protocol::socket::shutdown_both, ignored);
}

Result<engine::Plan> Session::plan_for(const std::string& op, const Json& request, engine::Stack& stack) const {
  engine::Observed observed = parts_.store.observe();
  if (op == engine::UpRequest::kOp) {
    BERTH_TRY(engine::UpRequest up, parse<engine::UpRequest>(request));
    stack = std::move(up.stack);
    return engine::plan_up(stack, observed, up.options);
  }
  if (op == engine::DownRequest::kOp) {
    BERTH_TRY(engine::DownRequest down, parse<engine::DownRequest>(request));
    return engine::plan_down(down.selection, observed, down.options);
  }
  if (op == engine::StopRequest::kOp) {
    BERTH_TRY(engine::StopRequest stop, parse<engine::StopRequest>(request));
    return engine::plan_stop(stop.selection, observed, stop.timeout_ns);
  }
  if (op == engine::StartRequest::kOp) {
    BERTH_TRY(engine::StartRequest start, parse<engine::StartRequest>(request));
    return engine::plan_start(start.selection, observed);
  }
  if (op == engine::RestartRequest::kOp) {
    BERTH_TRY(engine::RestartRequest restart, parse<engine::RestartRequest>(request));
    return engine::plan_restart(restart.selection, observed, restart.timeout_ns);
  }
  if (op == engine::KillRequest::kOp) {
    BERTH_TRY(engine::KillRequest kill, parse<engine::KillRequest>(request));
    return engine::plan_kill(kill.selection, observed, kill.signal);
  }
  if (op == engine::RemoveRequest::kOp) {
    BERTH_TRY(engine::RemoveRequest remove, parse<engine::RemoveRequest>(request));
    return engine::plan_remove(remove.selection, observed, remove.stop, remove.volumes);
  }
  return make_error("the supervisor knows no request \"" + op + "\"",
                    "the command and the supervisor may be of different versions");
}

Work Session::answer(Json request) {
  engine::Stack stack;
  std::string op = request.value("op", "");
  Result<engine::Plan> plan = plan_for(op, request, stack);
  if (!plan) {
    finish({std::move(plan).error()});
    co_return;
  }
  for (const std::string& warning : plan->warnings) send({{"type", "warning"}, {"text", warning}});
  if (!plan->problems.empty()) {
    finish(plan->problems);
    co_return;
  }
  engine::Plan chosen = std::move(plan).value();
  std::vector<std::string> services;
  for (const engine::ServiceConfig& service : stack.services) services.push_back(service.name);
  if (!services.empty()) parts_.networks.declare(stack.project, services);
  co_await carry_out(std::move(chosen), std::move(stack), op == engine::UpRequest::kOp);
}

asio::awaitable<engine::ApplyReport> Session::apply(const engine::Plan& plan, HostRunner& runner, bool keep_going,
                                                    bool quiet) {
  auto ended = std::make_shared<std::optional<engine::ApplyReport>>();
  auto wake = std::make_shared<asio::steady_timer>(parts_.io, asio::steady_timer::time_point::max());
  auto finished = [ended, wake](engine::ApplyReport report) {
    *ended = std::move(report);
    wake->cancel();
  };
  auto observer = [this, quiet, &plan](engine::StepId id, engine::StepEvent event, const Error* error) {
    if (!quiet) send_step(plan, id, event, error);
  };
  apply_ = engine::Apply::run(plan, runner, keep_going, std::move(observer), std::move(finished));
  if (cancelled_ && !quiet) apply_->cancel();
  while (!*ended) (void)co_await wake->async_wait(kAwait);
  apply_ = nullptr;
  co_return std::move(**ended);
}

Work Session::carry_out(engine::Plan plan, engine::Stack stack, bool undo_on_failure) {
  HostRunner runner(parts_.io, parts_.containers, parts_.networks, parts_.store, std::move(stack));
  engine::ApplyReport report = co_await apply(plan, runner, !undo_on_failure, false);
  std::vector<Error> errors;
  // Where a step failed, waits that were cancelled because of it say nothing new.
  for (engine::StepFailure& failure : report.failures) {
    bool consequence = &failure != &report.failures.front() &&
                       std::holds_alternative<engine::WaitFor>(plan.steps[failure.step].action);
    if (!consequence &&
        !(report.cancelled && std::holds_alternative<engine::WaitFor>(plan.steps[failure.step].action))) {
      Error error = std::move(failure.error);
      if (std::holds_alternative<engine::WaitFor>(plan.steps[failure.step].action)) {
        error.context.push_back(plan.steps[failure.step].why == "--wait" ? "not ready" : "dependency failed to start");
      }
      errors.push_back(std::move(error));
    }
  }
  if (report.cancelled) errors.push_back(make_error("cancelled"));
  if (undo_on_failure && !report.ok()) {
    runner.allow_waits();
    engine::Plan undo = engine::plan_undo(plan, report.done);
    engine::ApplyReport undone = co_await apply(undo, runner, true, true);
    for (engine::StepFailure& failure : undone.failures) {
      failure.error.context.emplace_back("taking back what failed");
      errors.push_back(std::move(failure.error));
    }
  }
  bool removes_networks = std::any_of(plan.steps.begin(), plan.steps.end(), [](const engine::Step& step) {
    return std::holds_alternative<engine::RemoveContainer>(step.action);
  });
  if (removes_networks || !errors.empty()) co_await parts_.networks.settle();
  finish(std::move(errors));
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
  send(message);
}

void Session::finish(std::vector<Error> errors) {
  Json list = Json::array();
  for (const Error& error : errors) list.push_back(error_json(error));
  send({{"type", "result"},
        {"ok", errors.empty()},
        {"errors", list},
        {"leaving", !parts_.containers.busy()},
        {"cancelled", cancelled_}});
}

}  // namespace berth::supervise
