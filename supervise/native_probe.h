#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/state.h"
#include "supervise/task.h"
#include "sys/netns.h"

namespace berth::supervise {

/// Whether `test` of a health check is one that needs no program in the container: {"HTTP" | "TCP" | "GRPC", host,
/// port, path}.
[[nodiscard]] bool is_native_probe(const std::vector<std::string>& test);

/// What ends a probe before its time, when its container ends: a socket would keep the network namespace.
struct ProbeStop {
  std::function<void()> now;  // nothing while no probe runs
};

/// Asks once. The sockets are made in `netns` (on the pool, by a thread that lives as long as that) and used from here,
/// so nothing has to run inside. Always a result, with what went wrong as its output and exit code 1; -1 if the time
/// was over.
asio::awaitable<engine::ProbeResult> probe_natively(asio::io_context& io, asio::thread_pool& pool, sys::Netns netns,
                                                    std::vector<std::string> test, Duration timeout,
                                                    std::shared_ptr<ProbeStop> stop);

}  // namespace berth::supervise
