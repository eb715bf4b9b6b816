#pragma once

#include "cli/context.h"
#include "engine/request.h"

namespace berth::cli {

/// What of this program the container gets.
struct OneOffStreams {
  bool in = true, out = true, err = true;  // our own; else nothing
};

/// Runs a one-off container: with this program's own standard streams (but what is a terminal, only by way of a pipe)
/// or on a terminal that is carried to and from ours; or, if the request is not to attach, in the background, printing
/// its id. Returns what the command returned, or 126 or 127 if it could not be started, and `failed` if it has not come
/// to that. `cid_file` (if any) gets the id.
[[nodiscard]] int run_one_off(const Context& context, const engine::RunRequest& request, const OneOffStreams& streams,
                              int failed = 1, const std::string& cid_file = "");

}  // namespace berth::cli
