#pragma once

#include <string>

#include "base/result.h"
#include "cli/container_model.h"

namespace berth::cli {

/// `-v [SOURCE:]TARGET[:OPTIONS]`. A volume that is named is used as it is, or made.
[[nodiscard]] Status add_volume(ContainerModel& model, const std::string& text, const std::string& flag);

/// `--mount type=bind,source=…,target=…`. Error: a key that is not known, with the nearest.
[[nodiscard]] Status add_mount(ContainerModel& model, const std::string& text, const std::string& flag);

}  // namespace berth::cli
