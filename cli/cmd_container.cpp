#include "cli/container_commands.h"

namespace berth::cli {

void add_containers(Command app, Context& context) {
  Command noun = app.noun("container");
  for (auto add : {add_container_attach, add_container_diff, add_container_exec, add_container_inspect,
                   add_container_lifecycle, add_container_logs, add_container_ls, add_container_port,
                   add_container_prune, add_container_rename, add_container_run, add_container_start,
                   add_container_stats, add_container_top, add_container_update, add_container_wait})
    add(noun, context);
}

}  // namespace berth::cli
