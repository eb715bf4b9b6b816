#pragma once

#include "cli/command_line.h"
#include "cli/context.h"

namespace berth::cli {

// What stands below `system` beside df and prune, one file each (cmd_system_NAME.cpp).
void add_system_events(Command app, Context& context);
void add_system_info(Command app, Context& context);  // and Docker's `info`
void add_system_install_unit(Command app, Context& context);
/// What the unit runs.
void add_system_resume(Command app, Context& context);

}  // namespace berth::cli
