#include <fmt/core.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "oci/commands.h"
#include "sys/file.h"

namespace berth::oci {
namespace {

struct Place {
  const char* flag;
  const char* part;
  const char* key;
  bool text = false;
};
constexpr Place kPlaces[] = {
    {"blkio-weight", "blockIO", "weight"},
    {"cpu-period", "cpu", "period"},
    {"cpu-quota", "cpu", "quota"},
    {"cpu-burst", "cpu", "burst"},
    {"cpu-rt-period", "cpu", "realtimePeriod"},
    {"cpu-rt-runtime", "cpu", "realtimeRuntime"},
    {"cpu-share", "cpu", "shares"},
    {"cpu-idle", "cpu", "idle"},
    {"cpuset-cpus", "cpu", "cpus", true},
    {"cpuset-mems", "cpu", "mems", true},
    {"memory", "memory", "limit"},
    {"memory-reservation", "memory", "reservation"},
    {"memory-swap", "memory", "swap"},
    {"pids-limit", "pids", "limit"},
};

/// The flags as the JSON that --resources would hold.
Result<nlohmann::json> limits_of(const Arguments& arguments) {
  nlohmann::json limits = nlohmann::json::object();
  for (const Place& place : kPlaces) {
    if (!arguments.has(place.flag)) continue;
    if (place.text) {
      limits[place.part][place.key] = arguments.value(place.flag);
      continue;
    }
    BERTH_TRY(int64_t number, arguments.number(place.flag));
    if (number >= 0)
      limits[place.part][place.key] = static_cast<uint64_t>(number);
    else
      limits[place.part][place.key] = number;
  }
  return limits;
}

Result<std::string> text_of(const Arguments& arguments) {
  std::string file = arguments.value("resources");
  if (file == "-") return sys::read_all(sys::FdRef(STDIN_FILENO));
  if (!file.empty()) return sys::read_file(file);
  BERTH_TRY(nlohmann::json limits, limits_of(arguments));
  return limits.dump();
}

}  // namespace

Result<int> update(const Context& context, const Arguments& arguments) {
  BERTH_TRY(std::string id, only_operand(arguments));
  BERTH_TRY(Found container, find(context, id));
  if (container.phase == Phase::stopped) return make_error("container not running");
  BERTH_TRY(std::string text, text_of(arguments));
  BERTH_TRY(runtime::Resources resources, read_resources(text));
  BERTH_TRY(runtime::Cgroup group, container.cgroup());
  BERTH_TRY_OK(group.apply(resources));
  return 0;
}

}  // namespace berth::oci
