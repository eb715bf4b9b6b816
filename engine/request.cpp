#include "engine/request.h"

namespace berth::engine {

#define BERTH_JSON(Type, ...) NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Type, __VA_ARGS__)
#define BERTH_JSON_DEFINE(Type, ...)                                                        \
  void to_json(Json& nlohmann_json_j, const Type& nlohmann_json_t) {                        \
    NLOHMANN_JSON_EXPAND(NLOHMANN_JSON_PASTE(NLOHMANN_JSON_TO, __VA_ARGS__))                \
  }                                                                                         \
  void from_json(const Json& nlohmann_json_j, Type& nlohmann_json_t) {                      \
    Type nlohmann_json_default_obj;                                                         \
    NLOHMANN_JSON_EXPAND(NLOHMANN_JSON_PASTE(NLOHMANN_JSON_FROM_WITH_DEFAULT, __VA_ARGS__)) \
  }

BERTH_JSON(UpOptions, force_recreate, no_recreate, no_start, remove_orphans, ignore_orphans, wait, wait_timeout_ns,
           stop_timeout_ns, other_services)
BERTH_JSON(Selection, project, services, include_one_off)
BERTH_JSON(DownOptions, volumes, remove_orphans, stop_timeout_ns, services, declared_volumes)

BERTH_JSON_DEFINE(UpRequest, stack, options)
BERTH_JSON_DEFINE(DownRequest, selection, options)
BERTH_JSON_DEFINE(StopRequest, selection, timeout_ns)
BERTH_JSON_DEFINE(StartRequest, selection)
BERTH_JSON_DEFINE(RestartRequest, selection, timeout_ns)
BERTH_JSON_DEFINE(KillRequest, selection, signal)
BERTH_JSON_DEFINE(RemoveRequest, selection, stop, volumes)

}  // namespace berth::engine
