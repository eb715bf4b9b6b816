#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"

namespace berth::registry {

struct Downloaded {
  std::optional<int64_t> modified;  // Last-Modified, seconds since 1970
};

/// Fetches an http or https URL into a file, which is created with mode 0600 or replaced. Redirects are followed, but
/// from https to https only; what may succeed later is tried again. Error: the URL's host and what it said; the file is
/// then gone.
[[nodiscard]] Result<Downloaded> download(const std::string& url, const std::string& file);

}  // namespace berth::registry
