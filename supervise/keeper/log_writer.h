#pragma once

#include <stddef.h>
#include <stdint.h>

#include "supervise/keeper/log_file.h"

namespace berth::keeper {

inline constexpr size_t kReadSize = 64 * 1024;

/// Cuts what one read (at most kReadSize bytes) of a container's stream gave at that time into lines and appends them
/// to its log. What follows the last newline is written at once as a partial frame, so that a prompt is seen and
/// nothing is held back when the container or the keeper dies. True if a line is open now.
bool write_lines(LogFile& log, uint8_t stream, const char* data, size_t size, int64_t time_ns);

/// The stream has ended: what is written to it next, by another run of the container, is another line.
void write_end(LogFile& log, uint8_t stream);

}  // namespace berth::keeper
