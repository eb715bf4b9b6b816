#include "supervise/keeper/fd_store.h"

#include <string.h>
#include <unistd.h>

namespace berth::keeper {

Entry entries[kMaxEntries];
int entry_limit = 0;

namespace {

Entry* find_entry(const char* key) {
  for (int i = 0; i < entry_limit; ++i) {
    if (entries[i].count > 0 && strcmp(entries[i].key, key) == 0) return &entries[i];
  }
  return nullptr;
}

}  // namespace

void drop_entry(const char* key) {
  Entry* entry = find_entry(key);
  if (entry == nullptr) return;
  for (int i = 0; i < entry->count; ++i) close(entry->fds[i]);
  entry->count = 0;
}

void store_entry(const char* key, const int* fds, int count) {
  drop_entry(key);
  int slot = 0;
  while (slot < kMaxEntries && entries[slot].count > 0) ++slot;
  if (slot == kMaxEntries || count == 0) {
    for (int i = 0; i < count; ++i) close(fds[i]);
    return;
  }
  if (slot >= entry_limit) entry_limit = slot + 1;
  Entry& entry = entries[slot];
  memcpy(entry.key, key, kKeySize);
  for (int i = 0; i < count; ++i) entry.fds[i] = fds[i];
  entry.count = count;
}

}  // namespace berth::keeper
