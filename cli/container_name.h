#pragma once

#include <string>

#include "base/result.h"

namespace berth::cli {

/// Docker's rule: [a-zA-Z0-9][a-zA-Z0-9_.-]+
[[nodiscard]] Status check_container_name(const std::string& name);

/// A name for a container that has been given none: two words, such as "brisk_heron", and a number.
[[nodiscard]] std::string random_container_name();

}  // namespace berth::cli
