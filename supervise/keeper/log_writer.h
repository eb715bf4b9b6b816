#pragma once

#include <stddef.h>
#include <stdint.h>

namespace berth::keeper {

inline constexpr size_t kReadSize = 64 * 1024;

/// Cuts what one read (at most kReadSize bytes) of a container's stream gave into lines and appends them to its log.
/// What follows the last newline is written at once as a partial frame, so that a prompt is seen and nothing is held
/// back when the container or the keeper dies.
void write_lines(int log, uint8_t stream, const char* data, size_t size);

}  // namespace berth::keeper
