#pragma once

#include "cli/command_line.h"

namespace berth::cli {

/// The noun `container` with all that stands below it, about any container by name or id.
void add_containers(Command app, Context& context);

// One command a file, beside Compose's command of that name where there is one (cmd_NAME.cpp), or of its own
// (cmd_container_NAME.cpp).
void add_container_attach(Command noun, Context& context);
void add_container_diff(Command noun, Context& context);
void add_container_exec(Command noun, Context& context);
void add_container_inspect(Command noun, Context& context);
void add_container_lifecycle(Command noun, Context& context);  // stop, restart, kill, pause, unpause, rm
void add_container_logs(Command noun, Context& context);
void add_container_ls(Command noun, Context& context);
void add_container_port(Command noun, Context& context);
void add_container_prune(Command noun, Context& context);
void add_container_rename(Command noun, Context& context);
void add_container_run(Command noun, Context& context);  // and create
void add_container_start(Command noun, Context& context);
void add_container_stats(Command noun, Context& context);
void add_container_top(Command noun, Context& context);
void add_container_update(Command noun, Context& context);
void add_container_wait(Command noun, Context& context);

}  // namespace berth::cli
