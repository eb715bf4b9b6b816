#include "oci/command_table.h"

#include <memory>

#include "cli/commands.h"
#include "cli/helper.h"
#include "cli/project.h"

namespace berth::cli {

int run_oci(const Context& context, char** argv) {
  return report(context, become_helper("berth-oci", argv));
}

void add_oci(Command app, Context& context) {
  struct Unused {
    std::string value;
    bool flag = false;
  };
  auto unused = std::make_shared<Unused>();
  auto add_flags = [unused](const Command& command, std::span<const oci::FlagRow> flags) {
    for (const oci::FlagRow& flag : flags) {
      std::string names =
          (flag.letter.empty() ? "--" : "-" + std::string(flag.letter) + ",--") + std::string(flag.name);
      if (flag.takes_value)
        command.option(names, unused->value, std::string(flag.help));
      else
        command.flag(names, unused->flag, std::string(flag.help));
    }
  };
  Command noun = app.add_command("oci", "Run containers from OCI bundles, with the command line of runc");
  add_flags(noun, oci::kGlobalFlags);
  for (const oci::CommandRow& row : oci::kCommands) {
    Command command = noun.add_command(std::string(row.name), std::string(row.help));
    add_flags(command, row.flags);
    command.runs(context, [unused] { return 0; });
  }
}

}  // namespace berth::cli
