#include "cli/sizes.h"

#include <fmt/core.h>

#include <iterator>

namespace berth::cli {

namespace {

std::string in_units(uint64_t bytes, double step, const char* const (&units)[5], int digits) {
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  for (; value >= step && unit + 1 < std::size(units); ++unit) value /= step;
  return unit == 0 ? fmt::format("{}B", bytes) : fmt::format("{:.{}g}{}", value, digits, units[unit]);
}

}  // namespace

std::string size_text(uint64_t bytes, int digits) {
  return in_units(bytes, 1000, {"B", "kB", "MB", "GB", "TB"}, digits);
}

std::string binary_size_text(uint64_t bytes) {
  return in_units(bytes, 1024, {"B", "KiB", "MiB", "GiB", "TiB"}, 4);
}

}  // namespace berth::cli
