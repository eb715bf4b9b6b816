#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "images/config.h"

namespace berth::images {

/// Applies lines as in a Dockerfile to a config, in order: CMD, ENTRYPOINT, ENV, USER, WORKDIR, EXPOSE, VOLUME, LABEL,
/// STOPSIGNAL, HEALTHCHECK, SHELL, ONBUILD (`import --change`, `commit --change`). Keywords in any case; exec form
/// (JSON) and shell form. Error: the line, what was expected, and the keyword that was probably meant.
[[nodiscard]] Status apply_changes(ImageConfig& config, const std::vector<std::string>& lines);

/// Splits like a Dockerfile does: blanks separate, quotes and backslashes protect. Error: an open quote.
[[nodiscard]] Result<std::vector<std::string>> split_words(std::string_view text);

}  // namespace berth::images
