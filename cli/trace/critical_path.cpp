#include <fmt/core.h>

#include <algorithm>
#include <optional>

#include "base/text.h"
#include "cli/trace/timeline.h"

namespace berth::cli::trace {
namespace {

constexpr std::string_view kWait = "Wait until ";

int64_t length(const engine::Span& span) {
  return span.end_us - span.begin_us;
}

class Path {
 public:
  explicit Path(const Timeline& timeline) : timeline_(timeline) {}

  std::vector<Leg> find() {
    std::vector<Leg> steps;
    for (std::optional<size_t> at = last_step(); at; at = before(*at)) steps.push_back(leg_of(*at));
    std::vector<Leg> path;
    for (size_t i = 0; i < timeline_.spans.size(); ++i) {
      if (timeline_.spans[i].who == "berth") path.push_back(leg_of_berth(i));
    }
    path.insert(path.end(), steps.rbegin(), steps.rend());
    std::stable_sort(path.begin(), path.end(), [](const Leg& a, const Leg& b) { return a.begin_us < b.begin_us; });
    return path;
  }

 private:
  [[nodiscard]] std::optional<size_t> last_step() const {
    std::optional<size_t> last;
    for (size_t i = 0; i < timeline_.steps.size(); ++i) {
      if (!last || timeline_.steps[i].end_us > timeline_.steps[*last].end_us) last = i;
    }
    return last;
  }

  [[nodiscard]] std::optional<size_t> before(size_t step) const {
    std::optional<size_t> last;
    for (size_t earlier : timeline_.steps[step].after) {
      if (!last || timeline_.steps[earlier].end_us > timeline_.steps[*last].end_us) last = earlier;
    }
    return last;
  }

  [[nodiscard]] Leg leg_of(size_t index) const {
    const TracedStep& step = timeline_.steps[index];
    Leg leg{short_name(timeline_, step.who), short_verb(step.verb), step.begin_us, step.end_us, "", true, index};
    if (step.failed)
      leg.why = "failed";
    else if (step.verb == "Start")
      leg.why = longest_parts(step.who, step.begin_us, step.end_us);
    else if (step.verb.starts_with(kWait))
      leg.why = of_wait(step);
    return leg;
  }

  [[nodiscard]] Leg leg_of_berth(size_t index) const {
    const engine::Span& span = timeline_.spans[index];
    Leg leg{"berth", span.what, span.begin_us, span.end_us, span.note, false, index};
    const engine::Span* last = nullptr;  // what it waited for in the end
    for (const engine::Span& part : timeline_.spans) {
      const bool inside = part.begin_us >= span.begin_us && part.end_us <= span.end_us && &part != &span;
      const bool whole = part.what == "pull" || part.who == "build";
      if (inside && whole && (last == nullptr || part.end_us > last->end_us)) last = &part;
    }
    if (last != nullptr) {
      leg.why = fmt::format("{} {} took {}", short_name(timeline_, last->who), printable(last->what),
                            time_text(length(*last)));
    }
    return leg;
  }

  /// "network 12 ms, exec 9 ms": what takes a tenth and more.
  [[nodiscard]] std::string longest_parts(const std::string& who, int64_t begin_us, int64_t end_us) const {
    constexpr int64_t kWorthTelling = 10;
    std::vector<const engine::Span*> parts;
    for (const engine::Span& span : timeline_.spans) {
      if (span.who == who && span.begin_us >= begin_us && span.end_us <= end_us && span.what != "probe" &&
          length(span) * kWorthTelling >= end_us - begin_us)
        parts.push_back(&span);
    }
    std::stable_sort(parts.begin(), parts.end(), [](auto* a, auto* b) { return length(*a) > length(*b); });
    std::string text;
    for (const engine::Span* part : parts)
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", part->what, time_text(length(*part)));
    return text;
  }

  /// The container's last start before a moment.
  [[nodiscard]] const engine::Span* exec_before(const std::string& who, int64_t moment_us) const {
    const engine::Span* exec = nullptr;
    for (const engine::Span& span : timeline_.spans) {
      if (span.who == who && span.what == "exec" && span.end_us <= moment_us) exec = &span;
    }
    return exec;
  }

  /// What became of the container's first process, where that is known, else what it began as.
  [[nodiscard]] std::string program_of(const TracedStep& step, const engine::Span& exec) const {
    std::string name = exec.note;
    for (const engine::Span& span : timeline_.spans) {
      if (span.who == step.who && span.what == "healthy" && span.begin_us >= exec.end_us && !span.note.empty())
        name = span.note;
    }
    return name.empty() ? "the program" : printable(name.substr(name.rfind('/') + 1));
  }

  /// Since its program was executed. What is not the program's time is that of the probe that succeeded.
  [[nodiscard]] std::string of_wait(const TracedStep& step) const {
    const engine::Span* exec = exec_before(step.who, step.end_us);
    if (exec == nullptr) return "";  // it ran before
    const std::string after = "after " + time_text(step.end_us - exec->end_us);
    const std::string program = program_of(step, *exec);
    if (step.verb.ends_with("completed")) return fmt::format("{}, as long as {} ran", after, program);
    size_t probes = 0;
    const engine::Span* last = nullptr;
    for (const engine::Span& span : timeline_.spans) {
      if (span.who != step.who || span.what != "probe" || span.begin_us < exec->end_us || span.end_us > step.end_us)
        continue;
      ++probes;
      last = &span;
    }
    if (last == nullptr) return after;
    return fmt::format("{}, of which {} needed {} ({} {}, the last took {})", after, program,
                       time_text(last->begin_us - exec->end_us), probes, probes == 1 ? "probe" : "probes",
                       time_text(length(*last)));
  }

  const Timeline& timeline_;
};

}  // namespace

std::vector<Leg> critical_path(const Timeline& timeline) {
  return Path(timeline).find();
}

std::string verdict(const std::vector<Leg>& path) {
  auto longest = std::max_element(path.begin(), path.end(), [](const Leg& a, const Leg& b) {
    return a.end_us - a.begin_us < b.end_us - b.begin_us;
  });
  if (longest == path.end()) return "";
  std::string reason = longest->what;
  if (longest->why.starts_with("after "))
    return fmt::format("{} took most of it: {} {}", longest->who, reason, longest->why);
  reason += " " + time_text(longest->end_us - longest->begin_us);
  if (!longest->why.empty()) reason += " (" + longest->why + ")";
  return fmt::format("{} took most of it: {}", longest->who, reason);
}

std::string time_text(int64_t us) {
  constexpr double kMs = 1e3, kSecond = 1e6;
  const auto time = static_cast<double>(us);
  if (time < 10 * kMs) return fmt::format("{:.1f} ms", time / kMs);
  if (time < kSecond) return fmt::format("{:.0f} ms", time / kMs);
  return fmt::format("{:.3f} s", time / kSecond);
}

std::string short_name(const Timeline& timeline, const std::string& who) {
  const size_t space = who.find(' ');
  if (space == std::string::npos) return printable(who);
  const std::string kind = to_lower(who.substr(0, space));
  std::string name = who.substr(space + 1);
  const char separator = kind == "container" ? '-' : '_';
  if (kind != "image" && name.starts_with(timeline.project + separator)) name.erase(0, timeline.project.size() + 1);
  return printable(kind == "container" ? name : kind + " " + name);
}

std::string short_verb(const std::string& verb) {
  return to_lower(verb.starts_with(kWait) ? verb.substr(kWait.size()) : verb);
}

}  // namespace berth::cli::trace
