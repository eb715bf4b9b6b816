#include "builder/tasks.h"

#include <algorithm>

namespace berth::builder {

Tasks::Tasks(size_t count, std::function<void(size_t)> work) : work_(std::move(work)), tasks_(count) {}

Tasks::~Tasks() {
  std::unique_lock lock(mutex_);
  for (;;) {
    // Those that run may start others: until none is left.
    auto task = std::find_if(tasks_.begin(), tasks_.end(), [](const Task& one) { return one.thread.joinable(); });
    if (task == tasks_.end()) return;
    std::thread thread = std::move(task->thread);
    lock.unlock();
    thread.join();
    lock.lock();
  }
}

void Tasks::start(size_t index) {
  std::lock_guard lock(mutex_);
  Task& task = tasks_[index];
  if (task.started) return;
  task.started = true;
  task.thread = std::thread([this, index] {
    work_(index);
    std::lock_guard done(mutex_);
    tasks_[index].ended = true;
    ended_.notify_all();
  });
}

void Tasks::wait(size_t index) {
  start(index);
  std::unique_lock lock(mutex_);
  ended_.wait(lock, [&] { return tasks_[index].ended; });
}

}  // namespace berth::builder
