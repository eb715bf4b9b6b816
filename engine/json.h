#pragma once

// The one place that knows how our values look as JSON: on the supervisor's socket and in state files.
// A field with a default may be missing when reading, so that an older file can be read by a newer berth.

#include <nlohmann/json.hpp>

#include "base/result.h"
#include "engine/config.h"
#include "engine/state.h"

namespace nlohmann {

template <class T>
struct adl_serializer<std::optional<T>> {
  static void to_json(json& j, const std::optional<T>& value) {
    if (value)
      j = *value;
    else
      j = nullptr;
  }
  static void from_json(const json& j, std::optional<T>& value) {
    if (j.is_null())
      value.reset();
    else
      value = j.get<T>();
  }
};

}  // namespace nlohmann

namespace berth::sys {
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(ProcessIdentity, pid, start_time)
}

namespace berth::engine {

using Json = nlohmann::json;

#define BERTH_JSON_DECLARE(Type)            \
  void to_json(Json& j, const Type& value); \
  void from_json(const Json& j, Type& value);

BERTH_JSON_DECLARE(AttachmentConfig)
BERTH_JSON_DECLARE(NetworkConfig)
BERTH_JSON_DECLARE(VolumeConfig)
BERTH_JSON_DECLARE(ContainerConfig)
BERTH_JSON_DECLARE(ServiceConfig)
BERTH_JSON_DECLARE(Stack)
BERTH_JSON_DECLARE(ContainerRecord)
BERTH_JSON_DECLARE(LiveState)
BERTH_JSON_DECLARE(NetworkRecord)

/// Parses and converts; anything wrong with it is an Error that names `what`, never an exception.
template <class T>
[[nodiscard]] Result<T> from_json_text(const std::string& text, const std::string& what) {
  try {
    return Json::parse(text).get<T>();
  } catch (const Json::exception& e) {
    return make_error(what + " is not understood: " + e.what());
  }
}

/// Compact, and total: bytes that are not UTF-8 are replaced rather than refused.
[[nodiscard]] std::string to_text(const Json& json);

}  // namespace berth::engine
