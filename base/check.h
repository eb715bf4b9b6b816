#pragma once

#include <cstdio>
#include <cstdlib>

/// Our own mistake, on in release builds: says where and stops. Never for input, files or the kernel.
#define BERTH_CHECK(condition)                                                                              \
  do {                                                                                                      \
    if (!(condition)) {                                                                                     \
      std::fprintf(stderr, "berth: internal error: %s is false (%s:%d)\n", #condition, __FILE__, __LINE__); \
      std::abort();                                                                                         \
    }                                                                                                       \
  } while (false)
