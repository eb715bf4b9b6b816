#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "images/config.h"

namespace berth::images {

/// Applies lines as in a Dockerfile to a config, in order: CMD, ENTRYPOINT, ENV, USER, WORKDIR, EXPOSE, VOLUME, LABEL,
/// STOPSIGNAL, HEALTHCHECK, SHELL, ONBUILD (`import --change`, `commit --change`). Keywords in any case; exec form
/// (JSON) and shell form; variables of the config's own env are replaced. Empty lines and comments are passed over.
/// Error: the line, what was expected, and the keyword that was probably meant.
[[nodiscard]] Status apply_changes(ImageConfig& config, const std::vector<std::string>& lines);

}  // namespace berth::images
