#include "cli/trace/recorder.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "base/text.h"
#include "sys/file.h"

namespace berth::cli::trace {

Recorder::Recorder() {
  timeline_.begin_us = engine::trace_clock_us();
  helpers_.reset(memfd_create("berth-trace", MFD_CLOEXEC));
  if (helpers_.valid()) (void)fcntl(helpers_.get(), F_SETFL, O_APPEND);  // several write at once
}

void Recorder::add(const std::string& what, int64_t begin_us, bool failed) {
  timeline_.spans.push_back({"berth", what, begin_us, engine::trace_clock_us(), "", failed});
}

void Recorder::on_event(const engine::Json& message) {
  const std::string type = message.value("type", "");
  if (type == "step" && message.contains("at_us")) return step(message);
  if (type != "span") return;
  auto span = message.get<engine::Span>();
  if (span.who == "berth" && span.what == "plan") ++supervisor_;
  timeline_.spans.push_back(std::move(span));
}

void Recorder::step(const engine::Json& message) {
  const auto plan = message.value("plan", size_t{0});
  const StepKey key{supervisor_, plan, message.value("step", size_t{0})};
  auto [place, is_new] = places_.try_emplace(key, timeline_.steps.size());
  if (is_new) {
    TracedStep& begun = timeline_.steps.emplace_back();
    begun.who = message.value("kind", "") + " " + message.value("name", "");
    begun.verb = message.value("verb", "");
    begun.begin_us = message.value("at_us", int64_t{0});
    for (size_t earlier : message.value("after", std::vector<size_t>())) {
      auto known = places_.find({supervisor_, plan, earlier});
      if (known != places_.end()) begun.after.push_back(known->second);
    }
    // Plans come one after the other.
    if (plan > 1 && begun.after.empty() && timeline_.steps.size() > 1) begun.after.push_back(last_ended());
    return;
  }
  TracedStep& ended = timeline_.steps[place->second];
  ended.end_us = message.value("at_us", int64_t{0});
  ended.failed = message.value("state", "") == "failed";
}

size_t Recorder::last_ended() const {
  auto last = std::max_element(timeline_.steps.begin(), timeline_.steps.end(),
                               [](const TracedStep& a, const TracedStep& b) { return a.end_us < b.end_us; });
  return static_cast<size_t>(last - timeline_.steps.begin());
}

Timeline Recorder::timeline(const std::string& project) const {
  Timeline timeline = timeline_;
  timeline.project = project;
  timeline.end_us = engine::trace_clock_us();
  if (helpers_.valid()) {
    (void)lseek(helpers_.get(), 0, SEEK_SET);
    for (const std::string& line : split(sys::read_all(helpers_.ref()).value_or(""), '\n')) {
      Result<engine::Span> span = engine::from_json_text<engine::Span>(line, "span");
      if (span) timeline.spans.push_back(std::move(*span));
    }
  }
  for (TracedStep& step : timeline.steps) {
    if (step.end_us != 0) continue;
    step.end_us = timeline.end_us;
    step.failed = true;
  }
  return timeline;
}

void write_span(int fd, const engine::Span& span) {
  if (fd >= 0) (void)sys::write_all(sys::FdRef(fd), engine::to_text(span) + "\n");
}

}  // namespace berth::cli::trace
