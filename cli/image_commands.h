#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/command_line.h"
#include "images/digest.h"

namespace berth::cli {

// What stands below `image`, one command a file (cmd_image_NAME.cpp).
void add_image_ls(Command noun, Context& context);
void add_image_inspect(Command noun, Context& context);
void add_image_history(Command app, Context& context);
void add_image_prune(Command noun, Context& context);

/// An image as `docker image inspect` shows it. Error: none of that name or id.
[[nodiscard]] Result<nlohmann::ordered_json> image_json(const Context& context, const std::string& name);

/// Repository and tag in Docker's short form, "<none>" for what is missing.
struct ShownName {
  std::string repository = "<none>", tag = "<none>";
};
[[nodiscard]] ShownName shown_name(const std::string& full_name);

}  // namespace berth::cli
