#include <string>
#include <string_view>
#include <utility>

#include "cli/cmd_doctor.h"
#include "cli/commands.h"
#include "cli/container_commands.h"
#include "cli/docker_compose.h"
#include "cli/network_commands.h"
#include "cli/system_commands.h"
#include "cli/volume_commands.h"

namespace {

using berth::cli::Command;
using berth::cli::Context;

using Add = void (*)(Command app, Context& context);

/// Those that are one word with one purpose, and used so often that making all the others for them would cost.
constexpr std::pair<std::string_view, Add> kCommands[] = {
    {"up", berth::cli::add_up},
    {"down", berth::cli::add_down},
    {"create", berth::cli::add_create},
    {"scale", berth::cli::add_scale},
    {"plan", berth::cli::add_plan},
    {"ps", berth::cli::add_ps},
    {"logs", berth::cli::add_logs},
    {"exec", berth::cli::add_exec},
    {"run", berth::cli::add_run},
    {"start", berth::cli::add_start},
    {"stop", berth::cli::add_stop},
    {"restart", berth::cli::add_restart},
    {"pause", berth::cli::add_pause},
    {"unpause", berth::cli::add_unpause},
    {"attach", berth::cli::add_attach},
    {"port", berth::cli::add_port},
    {"top", berth::cli::add_top},
    {"stats", berth::cli::add_stats},
    {"wait", berth::cli::add_wait},
    {"kill", berth::cli::add_kill},
    {"rm", berth::cli::add_rm},
    {"events", berth::cli::add_events},
    {"config", berth::cli::add_config},
    {"lint", berth::cli::add_lint},
    {"doctor", berth::cli::add_doctor},
    {"build", berth::cli::add_build},
    {"pull", berth::cli::add_pull},
    {"push", berth::cli::add_push},
    {"images", berth::cli::add_compose_images},
    {"version", berth::cli::add_version},
};

/// Nouns, Docker's words, and what is not a single command.
constexpr Add kOthers[] = {berth::cli::add_builder,
                           berth::cli::add_containers,
                           berth::cli::add_images,
                           berth::cli::add_networks,
                           berth::cli::add_system_df,
                           berth::cli::add_system_events,
                           berth::cli::add_system_info,
                           berth::cli::add_system_prune,
                           berth::cli::add_system_install_unit,
                           berth::cli::add_system_resume,
                           berth::cli::add_login,
                           berth::cli::add_oci,
                           berth::cli::add_refused,
                           berth::cli::add_completion,
                           berth::cli::add_graph,
                           berth::cli::add_inspect,
                           berth::cli::add_ls,
                           berth::cli::add_volumes,
                           berth::cli::add_container_update,
                           berth::cli::add_container_diff,
                           berth::cli::add_container_rename,
                           berth::cli::add_watch};

/// The command that the word names, or all of them where help, a noun or a mistake asks for more.
void add_commands(Command app, Context& context, const std::string& word) {
  for (const auto& [name, add] : kCommands) {
    if (name == word) return add(app, context);
  }
  for (const auto& [name, add] : kCommands) add(app, context);
  for (Add add : kOthers) add(app, context);
}

}  // namespace

int main(int argc, char** argv) {
  Context context;
  context.paths = berth::sys::Paths::from_environment();
  if (!berth::cli::take_program_name(context, argc, argv)) return 0;
  if (argc > 1 && argv[1] == std::string_view("oci")) return berth::cli::run_oci(context, argv);
  berth::cli::CommandLine line("Brings Compose stacks up on Linux with nothing else installed.", context);
  if (argc > 1 && argv[1] == std::string_view("__complete")) {
    add_commands(line.root(), context, "");
    return berth::cli::run_complete(context, line.root(), {argv + 2, argv + argc});
  }
  add_commands(line.root(), context, line.command_word(argc, argv));
  return line.parse_and_run(argc, argv);
}
