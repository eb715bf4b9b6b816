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
  /// Tells of the wait and waits, up to a quarter longer, so that many who failed at once do not come back at once.
  /// False if it was cancelled meanwhile.
  [[nodiscard]] bool wait(Duration delay, const Failure& failure, const Note& note) const;
  /// Something was achieved: the failures so far do not count any more.
  void progress() { failures_ = 0; }

 private:
  Patience patience_;
  int tries_;
  int failures_ = 0;
};

/// Tries until it works, fails for good, or patience ends.
template <class T>
Attempt<T> with_retries(Backoff backoff, const Note& note, const std::function<Attempt<T>()>& attempt) {
  for (;;) {
    Attempt<T> result = attempt();
    if (result) return result;
    std::optional<Duration> delay = backoff.after(result.error());
    if (!delay || !backoff.wait(*delay, result.error(), note)) return result;
  }
}

}  // namespace berth::registry
