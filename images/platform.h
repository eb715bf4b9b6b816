#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace berth::images {

struct Platform {
  std::string os = "linux";
  std::string architecture;
  std::string variant;

  [[nodiscard]] std::string str() const;  // "linux/arm64/v8"
  bool operator==(const Platform&) const = default;
};

/// "linux/amd64", "arm64", "linux/arm/v7"; x86_64, aarch64 and armhf are understood. Error: what was expected.
[[nodiscard]] Result<Platform> parse_platform(std::string_view text);

/// What this machine runs.
[[nodiscard]] Platform host_platform();

/// Which of `offered` serves `wanted` best: the same variant, else the nearest lower one (arm v7 → v6 → v5, amd64 v3 →
/// v1). -1 if none does.
[[nodiscard]] int choose_platform(const Platform& wanted, const std::vector<Platform>& offered);

}  // namespace berth::images
