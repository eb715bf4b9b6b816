#pragma once

#include <cstddef>

namespace berth {

/// Says that the process is about to allocate so many bytes in small pieces. The heap grows by that much at once, in
/// huge pages where the kernel has them (madvise(2)): page faults cost a third of reading a large file otherwise.
/// A hint: nothing fails, and memory that is not used in the end is not touched.
void expect_allocations(size_t bytes);

}  // namespace berth
