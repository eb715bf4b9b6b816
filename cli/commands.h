#pragma once

#include "cli/command_line.h"

namespace berth::cli {

// One command a file (cmd_NAME.cpp). Each adds itself to the command line.
void add_up(Command app, Context& context);
void add_create(Command app, Context& context);
void add_scale(Command app, Context& context);
void add_plan(Command app, Context& context);
void add_down(Command app, Context& context);
void add_stop(Command app, Context& context);
void add_start(Command app, Context& context);
void add_restart(Command app, Context& context);
void add_pause(Command app, Context& context);
void add_unpause(Command app, Context& context);
void add_attach(Command app, Context& context);
void add_port(Command app, Context& context);
void add_top(Command app, Context& context);
void add_stats(Command app, Context& context);
void add_wait(Command app, Context& context);
void add_watch(Command app, Context& context);
void add_kill(Command app, Context& context);
void add_rm(Command app, Context& context);
void add_ps(Command app, Context& context);
void add_logs(Command app, Context& context);
void add_ls(Command app, Context& context);
void add_run(Command app, Context& context);
void add_exec(Command app, Context& context);
void add_events(Command app, Context& context);
void add_inspect(Command app, Context& context);
/// Compose's commands that berth does not have: named, so that nobody looks for the mistake elsewhere.
void add_refused(Command app, Context& context);
void add_config(Command app, Context& context);
void add_lint(Command app, Context& context);
void add_graph(Command app, Context& context);
void add_version(Command app, Context& context);
void add_completion(Command app, Context& context);
void add_build(Command app, Context& context);
void add_builder(Command app, Context& context);
void add_pull(Command app, Context& context);
void add_push(Command app, Context& context);
void add_images(Command app, Context& context);
void add_login(Command app, Context& context);  // and logout
void add_compose_images(Command app, Context& context);
void add_system_df(Command app, Context& context);
void add_system_prune(Command app, Context& context);
/// Describes the commands of berth-oci, for help, manual and completion. They are never run in this way: see run_oci().
void add_oci(Command app, Context& context);

/// Goes on as berth-oci, whose flags are its own: `argv` is our whole command line, "oci" being the first word. Returns
/// the exit code if that is not possible.
[[nodiscard]] int run_oci(const Context& context, char** argv);

/// `berth __complete WORD...`, which completion scripts call: what may stand in the place of the last word. Requires:
/// all commands have been added.
[[nodiscard]] int run_complete(const Context& context, Command app, const std::vector<std::string>& words);

}  // namespace berth::cli
