#pragma once

#include <string>
#include <vector>

#include "images/digest.h"

namespace CLI {
class App;
}

namespace berth::cli {

struct Context;

// What stands below `image`, one command a file (cmd_image_NAME.cpp).
void add_image_ls(CLI::App& noun, Context& context);
void add_image_inspect(CLI::App& noun, Context& context);
void add_image_history(CLI::App& app, Context& context);
void add_image_prune(CLI::App& noun, Context& context);

/// Repository and tag in Docker's short form, "<none>" for what is missing.
struct ShownName {
  std::string repository = "<none>", tag = "<none>";
};
[[nodiscard]] ShownName shown_name(const std::string& full_name);

}  // namespace berth::cli
