#pragma once

namespace CLI {
class App;
}

namespace berth::cli {

struct Context;

// One command a file (cmd_NAME.cpp). Each adds itself to the command line; when the user names it, it sets
// context.command.
void add_up(CLI::App& app, Context& context);
void add_down(CLI::App& app, Context& context);
void add_stop(CLI::App& app, Context& context);
void add_start(CLI::App& app, Context& context);
void add_restart(CLI::App& app, Context& context);
void add_kill(CLI::App& app, Context& context);
void add_rm(CLI::App& app, Context& context);
void add_ps(CLI::App& app, Context& context);
void add_logs(CLI::App& app, Context& context);
void add_run(CLI::App& app, Context& context);
void add_exec(CLI::App& app, Context& context);
void add_config(CLI::App& app, Context& context);
void add_lint(CLI::App& app, Context& context);
void add_version(CLI::App& app, Context& context);
void add_completion(CLI::App& app, Context& context);
void add_build(CLI::App& app, Context& context);
void add_builder(CLI::App& app, Context& context);
void add_pull(CLI::App& app, Context& context);
void add_push(CLI::App& app, Context& context);
void add_images(CLI::App& app, Context& context);
void add_login(CLI::App& app, Context& context);  // and logout
void add_compose_images(CLI::App& app, Context& context);
void add_system_df(CLI::App& app, Context& context);
void add_system_prune(CLI::App& app, Context& context);

}  // namespace berth::cli
