#include "cli/live_steps.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "cli/status_stream.h"
#include "cli/table.h"

namespace berth::cli {
namespace {

constexpr std::array<const char*, 10> kSpinner = {"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"};

}  // namespace

LiveSteps::LiveSteps(bool colour) : colour_(colour), screen_(fileno(status_stream())), begun_(Clock::now()) {}

void LiveSteps::set(const std::string& id, const std::string& status, State state) {
  const Clock::time_point now = Clock::now();
  auto thing = std::find_if(things_.begin(), things_.end(), [&](const Thing& one) { return one.id == id; });
  if (thing == things_.end()) thing = things_.insert(things_.end(), {id, "", State::working, now, now});
  thing->status = status;
  thing->state = state;
  thing->changed = now;
  screen_.draw(lines());
}

bool LiveSteps::is_working() const {
  return std::any_of(things_.begin(), things_.end(), [](const Thing& one) { return one.state == State::working; });
}

void LiveSteps::tick() {
  if (is_working() && screen_.is_due()) screen_.draw(lines());
}

void LiveSteps::aside(const std::function<void()>& write) {
  if (things_.empty()) return write();
  screen_.draw({});
  write();
  screen_.draw(lines());
}

void LiveSteps::finish() {
  if (!things_.empty()) screen_.finish(lines());
  things_.clear();
}

std::vector<Screen::Line> LiveSteps::lines() const {
  const Clock::time_point now = Clock::now();
  const auto done = std::count_if(things_.begin(), things_.end(), [](auto& one) { return one.state == State::done; });
  std::vector<Screen::Line> lines{{fmt::format("[+] Running {}/{}", done, things_.size()), "", "", false}};
  size_t width = 0;
  for (const Thing& thing : things_) width = std::max(width, display_width(thing.id));
  const auto turn = static_cast<size_t>((now - begun_) / kTick) % kSpinner.size();
  for (const Thing& thing : things_) {
    const bool working = thing.state == State::working, failed = thing.state == State::failed;
    const std::chrono::duration<double> took = (working ? now : thing.changed) - thing.begun;
    const char* mark = working ? kSpinner[turn] : failed ? "✘" : "✔";
    const char* tint = !colour_ || working ? "" : failed ? "\033[31m" : "\033[32m";
    const std::string gap(width - display_width(thing.id), ' ');
    lines.push_back({fmt::format(" {} {}{}  {}", mark, thing.id, gap, thing.status),
                     fmt::format("{:.1f}s", took.count()), tint, thing.state == State::done});
  }
  return lines;
}

}  // namespace berth::cli
