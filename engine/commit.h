#pragma once

#include "engine/state.h"
#include "images/config.h"

namespace berth::engine {

/// How an image made from the container runs: as the container did. Its image's config, with what the compose file put
/// over it; ports that are exposed and labels are added. Layers and history are the image's.
[[nodiscard]] images::ImageConfig committed_config(const ContainerRecord& record, const images::ImageConfig& image);

}  // namespace berth::engine
