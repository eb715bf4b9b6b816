#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "runtime/host.h"
#include "runtime/spec.h"
#include "supervise/task.h"
#include "sys/pidfd.h"

namespace berth::supervise {

/// How a command inside of a container ended.
struct InsideResult {
  int64_t exit_code = 0;  // its code, or 128 and the signal
  bool late = false;      // it was killed because its time was over
};

struct InsideOptions {
  std::optional<Duration> timeout;                                    // then it gets SIGKILL
  std::function<void(std::string_view)> on_output;                    // of both its streams, as it comes
  std::function<void(std::shared_ptr<const sys::Pidfd>)> on_started;  // for who may want to end it early
};

/// Runs a command in a running container until it ends. What it leaves running keeps nobody waiting, even with its
/// output open. Errors: as runtime::start_exec.
Task<InsideResult> run_inside(asio::io_context& io, runtime::Host& host, runtime::ContainerSpec container,
                              const sys::Pidfd& first_process, runtime::ExecSpec command, InsideOptions options);

}  // namespace berth::supervise
