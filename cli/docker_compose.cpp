#include "cli/docker_compose.h"

#include <fmt/core.h>

#include <algorithm>
#include <string_view>

#include "base/version.h"

namespace berth::cli {

bool take_program_name(Context& context, int& argc, char** argv) {
  const std::string_view path = argc > 0 ? argv[0] : "";
  context.as_docker_compose = path.substr(path.rfind('/') + 1) == "docker-compose";
  const std::string_view word = argc > 1 ? argv[1] : "";
  if (context.as_docker_compose && word == "docker-cli-plugin-metadata") {
    fmt::print(
        "{{\"SchemaVersion\":\"0.1.0\",\"Vendor\":\"berth\",\"Version\":\"v{}\",\"ShortDescription\":\"Docker "
        "Compose\"}}\n",
        kComposeVersion);
    return false;
  }
  if (word == "compose") {
    std::copy(argv + 2, argv + argc + 1, argv + 1);  // with the null at its end
    --argc;
  }
  return true;
}

std::string version_line(const Context& context) {
  if (context.as_docker_compose) return fmt::format("Docker Compose version v{}", kComposeVersion);
  return fmt::format("berth version v{}", kVersion);
}

}  // namespace berth::cli
