#pragma once

namespace berth {

inline constexpr const char* kVersion = BERTH_VERSION;

}  // namespace berth
