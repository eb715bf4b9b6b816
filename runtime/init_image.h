#pragma once

#include <string_view>

namespace berth::runtime {

/// The program of berth-init (runtime/init/main.cpp), as linked: a static executable without a C library.
[[nodiscard]] std::string_view init_image();

}  // namespace berth::runtime
