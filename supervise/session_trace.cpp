// What a session tells beside its answer where the request says {"trace": true}.

#include "supervise/session.h"

namespace berth::supervise {

void Session::begin_trace(const std::string& project) {
  trace_ = parts_.containers.tracers().add(
      [this, project](const engine::ContainerRecord& container, const engine::Span& span) {
        if (container.project == project) send_span(span);
      });
}

void Session::send_span(const engine::Span& span) {
  engine::Json message = span;
  message["type"] = "span";
  send(message);
}

/// When it was, and what had to be done before.
void Session::add_trace(const engine::Plan& plan, engine::StepId id, engine::Json& message) const {
  message["at_us"] = engine::trace_clock_us();
  message["plan"] = plan_number_;
  message["after"] = plan.steps[id].after;
}

}  // namespace berth::supervise
