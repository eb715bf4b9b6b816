#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace berth::builder {

/// Pieces of work that need each other's results. Each is done once, in a thread of its own, from when it is first
/// asked for. Safe for several threads.
class Tasks {
 public:
  /// `work(i)` does number i. It may start others and wait for them, in no circle.
  Tasks(size_t count, std::function<void(size_t)> work);
  Tasks(const Tasks&) = delete;
  Tasks& operator=(const Tasks&) = delete;
  /// Waits for all that were started.
  ~Tasks();

  void start(size_t index);
  /// Until it has ended; starts it if nobody has.
  void wait(size_t index);

 private:
  struct Task {
    bool started = false, ended = false;
    std::thread thread;
  };

  std::function<void(size_t)> work_;
  std::mutex mutex_;
  std::condition_variable ended_;
  std::vector<Task> tasks_;
};

}  // namespace berth::builder
