#include "registry/backoff.h"

#include <fmt/core.h>

#include <algorithm>
#include <random>
#include <thread>

namespace berth::registry {
namespace {

/// A host that cannot be found or refuses connections seldom changes its mind within seconds.
constexpr int kTriesToConnect = 3;

}  // namespace

std::optional<Duration> Backoff::after(const Failure& failure) {
  ++failures_;
  bool connecting = failure.kind == Failure::Kind::unreachable;
  if (!connecting && failure.kind != Failure::Kind::transient) return std::nullopt;
  if (failures_ >= (connecting ? std::min(tries_, kTriesToConnect) : tries_)) return std::nullopt;
  if (failure.retry_after) {
    if (*failure.retry_after > patience_.longest_delay) return std::nullopt;
    return failure.retry_after;
  }
  return std::min(patience_.first_delay * (1 << std::min(failures_ - 1, 16)), patience_.longest_delay);
}

bool Backoff::wait(Duration delay, const Failure& failure, const Note& note) const {
  using Clock = std::chrono::steady_clock;
  if (note) note(fmt::format("{}; trying again in {}", failure.error.message(), format_duration(delay)));
  std::uniform_real_distribution<double> share(0.0, 0.25);
  std::random_device random;
  Clock::time_point end = Clock::now() + delay + std::chrono::duration_cast<Duration>(delay * share(random));
  constexpr Duration kStep = std::chrono::milliseconds(100);
  while (Clock::now() < end) {
    if (patience_.cancelled()) return false;
    std::this_thread::sleep_for(std::min<Duration>(kStep, end - Clock::now()));
  }
  return true;
}

}  // namespace berth::registry
