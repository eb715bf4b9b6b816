#pragma once

#include <linux/filter.h>

#include <vector>

namespace berth::runtime {

/// A program that answers every system call as `program` does, and is several times shorter: the kernel translates and
/// tries out a filter each time one is set, so its length is paid for by each start. For each architecture it finds the
/// number of the call in a balanced tree of ranges; libseccomp compares with each number, though most calls have
/// neighbours with the same answer. What looks at arguments stays as it is.
///
/// Requires: a program that the kernel would take. One that does more with an architecture or a number than to compare
/// it comes back unchanged.
[[nodiscard]] std::vector<sock_filter> compact(const std::vector<sock_filter>& program);

}  // namespace berth::runtime
