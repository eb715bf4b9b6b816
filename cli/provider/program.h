#pragma once

#include <string>

#include "base/result.h"

namespace berth::cli::provider {

/// The program that a provider's type means: docker-TYPE where Docker keeps the plugins of its command line, else TYPE
/// in PATH; a type with a slash is a path. Absolute. Error: there is none.
[[nodiscard]] Result<std::string> find_program(const std::string& type);

/// Whether a file could be executed by us.
[[nodiscard]] bool is_program(const std::string& path);

}  // namespace berth::cli::provider
