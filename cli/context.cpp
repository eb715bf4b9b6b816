#include "cli/context.h"

#include <unistd.h>

#include <cstdlib>

#include <fmt/core.h>

#include <algorithm>

#include "base/text.h"
#include "sys/environment.h"
#include "sys/sealed_self.h"

namespace berth::cli {
namespace {

/// The flag's value, else the variable's, else "auto".
Status choose(std::string& value, const char* variable, const std::vector<std::string>& known) {
  if (!value.empty()) return {};
  value = sys::environment_variable(variable);
  if (value.empty()) value = "auto";
  if (std::find(known.begin(), known.end(), value) != known.end()) return {};
  return make_error(fmt::format("{}: unsupported value \"{}\"", variable, printable(value)),
                    "expected one of " + join(known, ", "));
}

/// A helper that goes on with our command line has nothing new to say.
bool is_helper() {
  const std::string program = sys::own_program();
  return program.find("/berth-", program.rfind('/')) != std::string::npos;
}

void warn_of(const char* flag, const char* instead) {
  if (is_helper()) return;
  fmt::print(stderr, "warning: {} is deprecated: {}\n", flag, instead);
}

}  // namespace

bool Context::colour(int fd) const {
  if (ansi == "always") return true;
  const char* no_color = getenv("NO_COLOR");
  return ansi != "never" && (no_color == nullptr || *no_color == '\0') && isatty(fd) == 1;
}

bool means_yes(const std::string& value) {
  const std::string word = to_lower(value);
  return word == "1" || word == "t" || word == "true" || word == "y" || word == "yes";
}

Status settle(Context& context) {
  BERTH_TRY_OK(choose(context.ansi, "COMPOSE_ANSI", {"never", "always", "auto"}));
  BERTH_TRY_OK(choose(context.progress, "COMPOSE_PROGRESS", {"auto", "tty", "plain", "json", "quiet"}));
  context.compatibility = context.compatibility || means_yes(sys::environment_variable("COMPOSE_COMPATIBILITY"));
  const std::string limit = sys::environment_variable("COMPOSE_PARALLEL_LIMIT");
  if (context.parallel == -1 && !limit.empty() && limit != "-1" && !parse_unsigned(limit))
    return make_error("COMPOSE_PARALLEL_LIMIT must be an integer (found: \"" + printable(limit) + "\")");
  if (!context.workdir.empty()) {
    if (!context.project_directory.empty())
      return make_error("cannot combine --workdir and --project-directory, which means the same");
    warn_of("--workdir", "use --project-directory instead");
    context.project_directory = context.workdir;
  }
  if (context.no_ansi) {
    warn_of("--no-ansi", "use --ansi never instead");
    context.ansi = "never";
  }
  if (context.insecure_registry) warn_of("--insecure-registry", "registries.conf says which registries are insecure");
  return {};
}

int64_t parallel_limit(const Context& context) {
  if (context.parallel > 0) return context.parallel;
  const char* variable = context.parallel == -1 ? getenv("COMPOSE_PARALLEL_LIMIT") : nullptr;
  return static_cast<int64_t>(variable == nullptr ? 0 : parse_unsigned(variable).value_or(0));
}

}  // namespace berth::cli
