#include "supervise/firewall_guard.h"

#include <fcntl.h>
#include <fmt/core.h>

#include <algorithm>
#include <utility>

namespace berth::supervise {

void FirewallGuard::start() {
  if (events_ || !firewall_.watched().valid()) return;
  events_.emplace(io_, fcntl(firewall_.watched().get(), F_DUPFD_CLOEXEC, 10));
  asio::co_spawn(io_, guard(), asio::detached);
}

void FirewallGuard::network_created() {
  start();
  warnings_due_ = true;
}

std::vector<std::string> FirewallGuard::take_warnings() {
  std::vector<std::string> warnings;
  if (!std::exchange(warnings_due_, false)) return warnings;
  for (const Error& obstacle : firewall_.obstacles())
    warnings.push_back(fmt::format("{}; to let them pass: {}", obstacle.message(), obstacle.hint));
  return warnings;
}

Work FirewallGuard::guard() {
  constexpr std::chrono::milliseconds kFirstDelay{10}, kLongestDelay{5'000};
  asio::steady_timer timer(io_);
  for (;;) {
    auto [error] = co_await events_->async_wait(asio::posix::stream_descriptor::wait_read, kAwait);
    if (error) co_return;
    for (auto delay = kFirstDelay;; delay = std::min(2 * delay, kLongestDelay)) {
      const Status repaired = firewall_.repair();
      if (repaired) break;
      fmt::print(stderr, "berth-supervisor: {}\n", repaired.error().message());
      timer.expires_after(delay);
      (void)co_await timer.async_wait(kAwait);
    }
  }
}

}  // namespace berth::supervise
