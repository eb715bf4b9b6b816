#include "base/heap.h"

#include <malloc.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>

namespace berth {

void expect_allocations(size_t bytes) {
#ifdef __GLIBC__
  constexpr size_t kHugePage = size_t{2} << 20;
  constexpr size_t kMost = size_t{256} << 20;
  if (bytes < kHugePage) return;
  bytes = std::min(bytes, kMost);
  // Not by mmap, and kept when freed: what follows is to be cut from it.
  mallopt(M_MMAP_THRESHOLD, static_cast<int>(bytes + kHugePage));
  mallopt(M_TRIM_THRESHOLD, static_cast<int>(2 * bytes));
  void* room = std::malloc(bytes);
  if (room == nullptr) return;
  auto begin = (reinterpret_cast<uintptr_t>(room) + kHugePage - 1) & ~uintptr_t{kHugePage - 1};
  auto end = (reinterpret_cast<uintptr_t>(room) + bytes) & ~uintptr_t{kHugePage - 1};
  if (begin < end) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
  std::free(room);
#else
  static_cast<void>(bytes);
#endif
}

}  // namespace berth
