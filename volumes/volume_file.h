#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "volumes/store.h"

namespace berth::volumes {

/// The metadata of a volume as `volume.json`; `version` is 1. A newer version is an error.
[[nodiscard]] std::string render_volume(const Volume& volume);
[[nodiscard]] Result<Volume> parse_volume(std::string_view json);

/// Reads and writes `<directory>/<name>/volume.json`; writes are on the disk when they return.
[[nodiscard]] Result<Volume> read_volume(const std::string& directory, const std::string& name);
[[nodiscard]] Status write_volume(const std::string& directory, const Volume& volume);

}  // namespace berth::volumes
