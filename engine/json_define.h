#pragma once

// How a type gets its JSON form; for the .cpp files that define one. A field that is missing when reading keeps its
// default.

#include "engine/json.h"

/// For a type that only appears inside others of the same file.
#define BERTH_JSON(Type, ...) NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Type, __VA_ARGS__)

/// The definitions for BERTH_JSON_DECLARE.
#define BERTH_JSON_DEFINE(Type, ...)                                                        \
  void to_json(Json& nlohmann_json_j, const Type& nlohmann_json_t) {                        \
    NLOHMANN_JSON_EXPAND(NLOHMANN_JSON_PASTE(NLOHMANN_JSON_TO, __VA_ARGS__))                \
  }                                                                                         \
  void from_json(const Json& nlohmann_json_j, Type& nlohmann_json_t) {                      \
    Type nlohmann_json_default_obj;                                                         \
    NLOHMANN_JSON_EXPAND(NLOHMANN_JSON_PASTE(NLOHMANN_JSON_FROM_WITH_DEFAULT, __VA_ARGS__)) \
  }
