#include "registry/transfer.h"

#include <algorithm>
#include <thread>
#include <vector>

#include "base/clock.h"

namespace berth::registry {
namespace {

constexpr size_t kWorkers = 4;  // threads of one image; how many of them may work at once is for the slots

}  // namespace

Status SideBySide::run(size_t count, const std::function<Status(size_t)>& work) {
  auto take = [&] {
    for (size_t index; !failed_ && (index = next_++) < count;) {
      Status done = work(index);
      if (done) continue;
      std::lock_guard lock(mutex_);
      if (!failed_.exchange(true)) first_error_ = std::move(done).error();
    }
  };
  {
    std::vector<std::jthread> workers;
    for (size_t i = 0; i < std::min(kWorkers, count); ++i) workers.emplace_back(take);
  }
  if (first_error_) return *std::move(first_error_);
  return {};
}

int64_t seconds_now() {
  return wall_clock_ns() / kSecondNs;
}

}  // namespace berth::registry
