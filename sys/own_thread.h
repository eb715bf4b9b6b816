#pragma once

#include <system_error>
#include <thread>
#include <utility>

#include "base/result.h"

namespace berth::sys {

/// What `work` gives (a Result or a Status), carried out by a thread of its own: for what changes a thread for good, as
/// entering a namespace does. Error EAGAIN if there can be no more threads.
template <class Work>
[[nodiscard]] auto on_own_thread(const Work& work) -> decltype(work()) {
  decltype(work()) result = make_error("nothing was done");
  try {
    std::thread([&] { result = work(); }).join();
  } catch (const std::system_error& refused) {
    Error error = sys_error("start a thread", refused.code().value());
    error.hint = "raise the limit on processes (pids.max of the control group, ulimit -u)";
    return error;
  }
  return result;
}

}  // namespace berth::sys
