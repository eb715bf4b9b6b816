#pragma once

// How command line and supervisor speak: frames of a 32-bit little-endian length and that many bytes of JSON, over a
// stream socket whose peer must be the same user (SO_PEERCRED).
//
// The command line sends one request {"op": …, …} and may later send {"op": "cancel"}. The supervisor answers with any
// number of
//   {"type": "step", "state": "started|done|failed", "kind": "Container", "name": …, "verb": "Start", "step": 3}
//   {"type": "warning", "text": …}
//   {"type": "waiting", "text": …}
// and ends with {"type": "result", "ok": bool, "errors": [{"message", "hint"}], …}. Descriptors that come with a
// request (engine/request.h says which) are on its first byte.

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/json.h"
#include "sys/fd.h"

namespace berth::engine {

inline constexpr uint32_t kMaxFrame = 256 << 20;

[[nodiscard]] std::string frame(const Json& message);

/// Blocking, for the command line. A closed connection is an Error with code EPIPE.
[[nodiscard]] berth::Status send_frame(sys::FdRef socket, const Json& message, const std::vector<sys::FdRef>& fds = {});
[[nodiscard]] Result<Json> receive_frame(sys::FdRef socket);

}  // namespace berth::engine
