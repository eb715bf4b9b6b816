#include "builder/shared_steps.h"

#include <cerrno>
#include <chrono>

namespace berth::builder {

Result<SharedSteps::Step> SharedSteps::get(const images::Digest& key, const Make& make,
                                           const std::function<bool()>& cancelled) {
  // A signal's handler cannot wake us.
  constexpr std::chrono::milliseconds kAskEvery{100};
  std::string name = key.hex();
  std::unique_lock lock(mutex_);
  for (auto known = steps_.find(name); known != steps_.end(); known = steps_.find(name)) {
    if (known->second) return Step{*known->second, false};
    if (cancelled()) return sys_error("build", ECANCELED);
    changed_.wait_for(lock, kAskEvery);
  }
  steps_[name] = std::nullopt;
  lock.unlock();
  Result<images::CachedStep> made = make();
  lock.lock();
  if (made)
    steps_[name] = *made;
  else
    steps_.erase(name);
  changed_.notify_all();
  if (!made) return std::move(made).error();
  return Step{std::move(made).value(), true};
}

}  // namespace berth::builder
