#pragma once

#include <cstdint>
#include <string_view>

namespace berth::netns {

/// FNV-1a: for names that have to differ, not to be secret.
[[nodiscard]] constexpr uint64_t hash_of(std::string_view text) {
  uint64_t hash = 14695981039346656037u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return hash;
}

}  // namespace berth::netns
