#pragma once

#include <sys/types.h>

namespace berth::keeper {

// A process that was killed loses its lock before the rest of what it has open, and its system calls go on to their
// end. So the lock's file names who works for the state root, and the next keeper waits until they have really gone.

enum class Role { keeper, supervisor };

void note_helper(int lock, Role role, pid_t pid);

/// Until those that the file names have gone; of one that cannot die, only for a while. Requires: the lock is held.
void wait_for_predecessors(int lock);

}  // namespace berth::keeper
