#include <memory>

#include "base/text.h"
#include "cli/container_choice.h"
#include "cli/container_commands.h"
#include "cli/container_name.h"
#include "cli/project.h"
#include "cli/quiet.h"
#include "cli/request.h"
#include "engine/request.h"

namespace berth::cli {
namespace {

struct RenameFlags {
  ContainerChoice container;
  std::string name;
};

int rename_container(const Context& context, const RenameFlags& flags) {
  Result<engine::Container> container = find_container(context, flags.container);
  if (!container) return report(context, container.error());
  if (Status good = check_container_name(flags.name); !good) return report(context, good);
  engine::RenameRequest request{engine::only(container->record), flags.name};
  return carry_out(without_progress(context), engine::to_message(request));
}

}  // namespace

void add_container_rename(Command noun, Context& context) {
  auto flags = std::make_shared<RenameFlags>();
  Command command = noun.add_command("rename", "Rename a container");
  choose_container(command, flags->container, false);
  command.option("NEW_NAME", flags->name, "What it is called from now on").required();
  command.runs(context, [&context, flags] { return rename_container(context, *flags); });
}

}  // namespace berth::cli
