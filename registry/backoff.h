#pragma once

#include <functional>
#include <string>

#include "registry/failure.h"
#include "registry/settings.h"

namespace berth::registry {

/// Whether and when to try again after failures in a row.
class Backoff {
 public:
  /// `tries`: at most so many without progress.
  Backoff(const Patience& patience, int tries) : patience_(patience), tries_(tries) {}

  /// How long to wait before the next try; nothing if there shall be none. Doubles with each failure; a wish of the
  /// server (Retry-After) comes before that.
  [[nodiscard]] std::optional<Duration> after(const Failure& failure);
  /// Something was achieved: the failures so far do not count any more.
  void progress() { failures_ = 0; }

 private:
  Patience patience_;
  int tries_;
  int failures_ = 0;
};

/// Tells of the wait and waits, up to a quarter longer, so that many who failed at once do not come back at once.
void wait_before_retry(Duration delay, const Failure& failure, const Note& note);

/// Tries until it works, fails for good, or patience ends.
template <class T>
Attempt<T> with_retries(Backoff backoff, const Note& note, const std::function<Attempt<T>()>& attempt) {
  for (;;) {
    Attempt<T> result = attempt();
    if (result) return result;
    std::optional<Duration> delay = backoff.after(result.error());
    if (!delay) return result;
    wait_before_retry(*delay, result.error(), note);
  }
}

}  // namespace berth::registry
