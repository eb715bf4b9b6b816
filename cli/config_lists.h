#pragma once

#include <string>
#include <vector>

#include "cli/context.h"
#include "compose/load.h"
#include "compose/model.h"

namespace berth::cli {

// What `config` shows instead of the whole project.

/// `--hash`: "web 5f2c..." a line, as the containers' label com.docker.compose.config-hash has it. `which` is "*" or
/// names with commas. Error: a name that is no enabled service, or a service that cannot run.
[[nodiscard]] Result<std::string> hash_lines(const Context& context, const compose::Project& project,
                                             const std::string& which);

/// `--environment`: "NAME=value" a line, what variables in the files see.
[[nodiscard]] std::string environment_lines(const compose::Project& project);

/// `--variables`: a table, or with `format` json or yaml the same as data. The model must have its variables left in.
[[nodiscard]] std::string variable_list(const compose::Model& model, const std::string& format);

/// Pins each image that has no digest to that of the local store. Error: the first image that is not there.
[[nodiscard]] Status pin_images(const Context& context, compose::Project& project);
/// `--lock-image-digests`: an override file that does nothing but that.
[[nodiscard]] std::string image_lock(const compose::Project& project, const std::string& format);

}  // namespace berth::cli
