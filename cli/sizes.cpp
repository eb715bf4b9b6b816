#include "cli/sizes.h"

#include <fmt/core.h>

#include <iterator>

namespace berth::cli {

std::string size_text(uint64_t bytes, int digits) {
  constexpr const char* kUnits[] = {"B", "kB", "MB", "GB", "TB"};
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  for (; value >= 1000 && unit + 1 < std::size(kUnits); ++unit) value /= 1000;
  return unit == 0 ? fmt::format("{}B", bytes) : fmt::format("{:.{}g}{}", value, digits, kUnits[unit]);
}

}  // namespace berth::cli
