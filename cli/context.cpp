#include "cli/context.h"

#include <unistd.h>

#include <cstdlib>

#include "base/text.h"

namespace berth::cli {

bool Context::colour(int fd) const {
  if (ansi == "always") return true;
  const char* no_color = getenv("NO_COLOR");
  return ansi != "never" && (no_color == nullptr || *no_color == '\0') && isatty(fd) == 1;
}

int64_t parallel_limit(const Context& context) {
  if (context.parallel > 0) return context.parallel;
  const char* variable = context.parallel == -1 ? getenv("COMPOSE_PARALLEL_LIMIT") : nullptr;
  return static_cast<int64_t>(variable == nullptr ? 0 : parse_unsigned(variable).value_or(0));
}

}  // namespace berth::cli
