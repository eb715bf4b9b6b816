// berth-oci: one container from a bundle, with the command line of an OCI runtime, for those who drive runtimes (Podman
// through conmon, containerd). It looks after nothing: whoever calls it is the container's parent and collects it. A
// program of its own, so that a start pays for nothing else.

#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "base/text.h"
#include "base/version.h"
#include "oci/commands.h"
#include "sys/sealed_self.h"

namespace berth::oci {
namespace {

using Run = Result<int> (*)(const Context&, const Arguments&);
constexpr std::pair<std::string_view, Run> kActions[] = {
    {"create", create},     {"start", start},
    {"run", run},           {"exec", exec},
    {"state", state},       {"kill", kill},
    {"list", list},         {"ps", ps},
    {"pause", pause},       {"delete", delete_container},
    {"resume", resume},     {"update", update},
    {"features", features}, {"spec", spec},
};

void print_flags(std::span<const FlagRow> rows) {
  for (const FlagRow& row : rows) {
    std::string name = fmt::format("--{}{}", row.name, row.letter.empty() ? "" : fmt::format(", -{}", row.letter));
    fmt::print("  {:<24} {}\n", name, row.help);
  }
}

int help() {
  fmt::print("Usage: berth-oci [FLAGS] COMMAND [FLAGS] [OPERANDS]\n\nRuns containers from OCI bundles.\n\nCommands:\n");
  for (const CommandRow& row : kCommands) fmt::print("  {:<10} {}\n", row.name, row.help);
  fmt::print("\nFlags:\n");
  print_flags(kGlobalFlags);
  return 0;
}

int help(const CommandRow& row) {
  fmt::print("Usage: berth-oci {} [FLAGS] {}\n\n{}\n", row.name, row.operands, row.help);
  if (!row.flags.empty()) fmt::print("\nFlags:\n");
  print_flags(row.flags);
  return 0;
}

int version() {
  fmt::print("berth-oci version {}\nspec: {}\n", kVersion, kSpecVersion);
  return 0;
}

Error unknown_command(const std::string& word) {
  if (std::find(std::begin(kRefused), std::end(kRefused), word) != std::end(kRefused)) {
    return make_error(fmt::format("the command {} is not supported", word));
  }
  std::vector<std::string> names;
  for (const CommandRow& row : kCommands) names.emplace_back(row.name);
  std::optional<std::string> near = nearest(word, names);
  return make_error(fmt::format("there is no command \"{}\"", printable(word)),
                    near ? fmt::format("did you mean {}?", *near) : "`berth-oci --help` lists them");
}

bool asks_for(std::span<char* const> words, std::initializer_list<std::string_view> flags) {
  return !words.empty() && std::find(flags.begin(), flags.end(), words.front()) != flags.end();
}

/// Whether a command among these makes a process inside: any word of that name will do.
bool enters_containers(std::span<char* const> words) {
  return std::any_of(words.begin(), words.end(),
                     [](std::string_view word) { return word == "create" || word == "run" || word == "exec"; });
}

std::string default_root() {
  if (geteuid() == 0) return "/run/berth-oci";
  const char* base = getenv("XDG_RUNTIME_DIR");
  return base == nullptr ? fmt::format("/tmp/berth-oci-{}", geteuid()) : std::string(base) + "/berth-oci";
}

Status take_global_flags(const Arguments& flags, Context& context) {
  std::string format = flags.value("log-format");
  if (!format.empty() && format != "text" && format != "json") {
    return make_error(fmt::format("--log-format: \"{}\" is neither text nor json", printable(format)));
  }
  BERTH_TRY_OK(context.log.open(flags.value("log"), format == "json", flags.has("debug")));
  context.root = flags.has("root") ? flags.value("root") : default_root();
  if (flags.has("systemd-cgroup")) {
    return make_error("--systemd-cgroup is not supported",
                      "use control groups directly; Podman does so with --cgroup-manager=cgroupfs");
  }
  if (flags.value("rootless") == "true") return make_error("--rootless=true is not supported");
  return {};
}

Result<int> dispatch(Context& context, std::span<char* const> words) {
  BERTH_TRY(Arguments global, Arguments::parse(kGlobalFlags, words));
  BERTH_TRY_OK(take_global_flags(global, context));
  if (global.operands().empty()) return help();
  const std::string& word = context.command = global.operands().front();
  for (const CommandRow& row : kCommands) {
    if (row.name != word) continue;
    std::span<char* const> rest = words.last(global.operands().size() - 1);
    if (asks_for(rest, {"--help", "-h"})) return help(row);
    BERTH_TRY(Arguments arguments, Arguments::parse(row.flags, rest));
    for (const auto& [name, action] : kActions) {
      if (name == word) return action(context, arguments);
    }
  }
  return unknown_command(word);
}

}  // namespace
}  // namespace berth::oci

int main(int argc, char** argv) {
  using namespace berth::oci;
  std::span<char* const> words(argv + 1, static_cast<size_t>(argc - 1));
  // `berth oci` executes us with its own words.
  if (asks_for(words, {"oci"})) words = words.subspan(1);
  if (asks_for(words, {"--help", "-h", "help"})) return help();
  if (asks_for(words, {"--version", "-v"})) return version();
  // What enters containers must not be written to by them.
  if (enters_containers(words)) {
    if (berth::Status sealed = berth::sys::seal_self(argv); !sealed) {
      Context().log.error(sealed.error());
      return 1;
    }
  }
  umask(0022);  // what the container's directories and devices get does not depend on who calls
  Context context;
  berth::Result<int> done = dispatch(context, words);
  if (done) return *done;
  context.log.error(done.error());
  return context.command == "exec" ? 255 : 1;  // as runc: 1 may be the command's own
}
