#pragma once

#include <string>

#include "engine/state.h"
#include "sys/pidfd.h"

namespace berth::cli {

/// Of a command that Ctrl-C ended: 128 and SIGINT.
inline constexpr int kInterrupted = 130;

/// Waits until the container's process has ended (an invalid handle: it has), and until its exit code is known from the
/// kernel or the files. 255 if nobody saw it within some seconds. Needs no supervisor, but one that comes back may be
/// who tells.
[[nodiscard]] int exit_code_after(const engine::StateStore& store, const sys::Pidfd& process, const std::string& id);

}  // namespace berth::cli
