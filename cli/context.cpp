#include "cli/context.h"

#include <unistd.h>

#include <cstdlib>

namespace berth::cli {

bool Context::colour(int fd) const {
  if (ansi == "always") return true;
  const char* no_color = getenv("NO_COLOR");
  return ansi != "never" && (no_color == nullptr || *no_color == '\0') && isatty(fd) == 1;
}

}  // namespace berth::cli
