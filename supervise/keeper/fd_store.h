#pragma once

#include "supervise/keeper/protocol.h"

namespace berth::keeper {

// Descriptors by name, in a table of fixed size.

inline constexpr int kMaxEntries = 8192;

struct Entry {
  char key[kKeySize];
  int fds[kMaxFds];
  int count;  // 0 = free
};

extern Entry entries[kMaxEntries];
extern int entry_limit;  // entries at and above this index have never been used

/// Takes the descriptors over, and closes what was kept under `key` before. A full table closes them.
void store_entry(const char* key, const int* fds, int count);
void drop_entry(const char* key);

}  // namespace berth::keeper
