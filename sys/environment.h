#pragma once

#include <cstdlib>
#include <string>

namespace berth::sys {

/// The value of an environment variable of this process; empty if it is not set.
[[nodiscard]] inline std::string environment_variable(const char* name) {
  const char* value = getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace berth::sys
