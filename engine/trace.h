#pragma once

// What `up --trace` is made of: which parts of a start took how long. Whoever does a part tells it, if somebody asks:
// the supervisor as messages {"type": "span", …} (engine/wire.h), helper programs as lines of a file.

#include <cstdint>
#include <string>

#include "engine/json.h"

namespace berth::engine {

/// Microseconds of CLOCK_MONOTONIC, which is the same in all processes of a machine.
[[nodiscard]] int64_t trace_clock_us();

struct Span {
  std::string who;                   // "Container shop-db-1", "Image postgres:16"
  std::string what;                  // "network", "exec", "probe", "download 8a3f21cd"
  int64_t begin_us = 0, end_us = 0;  // the same: a moment
  std::string note;                  // how it ended, or what it was: "exit code 1", "postgres"
  bool failed = false;

  bool operator==(const Span&) const = default;
};

BERTH_JSON_DECLARE(Span)

}  // namespace berth::engine
