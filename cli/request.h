#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "cli/client.h"
#include "cli/context.h"
#include "cli/signals.h"

namespace berth::cli {

struct Outcome {
  bool ok = false;
  bool cancelled = false;
  /// 0, 1, or 130 after a signal.
  [[nodiscard]] int exit_code() const { return cancelled ? 130 : ok ? 0 : 1; }
};

/// A descriptor to watch beside the supervisor's answer, and what to do when it is readable.
struct Watch {
  sys::FdRef fd{-1};
  std::function<void()> readable;
};

/// What a signal means while a request is carried out: nothing given = cancel it (what it made is taken back), else
/// this request is sent beside it.
using Escalation = std::function<engine::Json()>;

/// How often a supervisor is asked before its dying is an error.
inline constexpr int kAttempts = 5;

/// Whether a message could not be sent or received because there is no supervisor any more.
[[nodiscard]] bool supervisor_died(const Error& error);

/// What follows from the supervisor's result: prints its errors (but for the cancelling itself if we asked for that),
/// and waits until a supervisor that leaves has gone.
void conclude(const Context& context, const engine::Json& result, bool cancelled);

/// Asks the supervisor for something, shows its progress and its errors, and waits. A second SIGINT or SIGTERM ends
/// this program.
[[nodiscard]] Outcome carry_out(const Context& context, const engine::Json& request, Signals& signals,
                                const Watch& also = {}, const Escalation& on_signal = {});

/// The same for commands that do nothing else.
[[nodiscard]] int carry_out(const Context& context, const engine::Json& request);

}  // namespace berth::cli
