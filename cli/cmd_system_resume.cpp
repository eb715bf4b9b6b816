// `berth system resume`: what the unit of `install-unit` runs when the machine has started.

#include <map>

#include "cli/request.h"
#include "cli/system_commands.h"
#include "engine/boot.h"
#include "engine/request.h"

namespace berth::cli {
namespace {

int resume(const Context& context) {
  const engine::Observed observed = engine::StateStore(context.paths).observe();
  std::map<std::string, engine::Selection> projects;
  for (const engine::Container& container : observed.containers) {
    if (!engine::comes_back(container)) continue;
    engine::Selection& selection = projects[container.record.project];
    selection.project = container.record.project;
    if (selection.project.empty())
      selection.containers.insert(container.record.id);
    else
      selection.services.insert(container.record.service);
  }
  int code = 0;
  for (const auto& [project, selection] : projects) {
    if (carry_out(context, engine::to_message(engine::StartRequest{selection})) != 0) code = 1;
  }
  return code;
}

}  // namespace

void add_system_resume(Command app, Context& context) {
  Command command = app.noun("system").add_command("resume", "Start what comes back after a reboot").hidden();
  command.runs(context, [&context] { return resume(context); });
}

}  // namespace berth::cli
