#include <fmt/core.h>

#include <memory>

#include "cli/commands.h"
#include "cli/complete.h"
#include "cli/context.h"
#include "cli/flag_table.h"
#include "cli/self_description.h"

namespace berth::cli {

void add_completion(Command app, Context& context) {
  auto shell = std::make_shared<std::string>();
  Command command = app.add_command("completion", "Print a completion script for your shell");
  command.option("SHELL", *shell, "bash, zsh or fish").required().one_of({"bash", "zsh", "fish"});
  command.runs(context, [shell] {
    fmt::print("{}", completion_script(*shell));
    return 0;
  });
  // For the build, which installs the page.
  Command man = app.add_command("man", "Print the manual page").hidden();
  man.runs(context, [app] {
    fmt::print("{}", man_page(app.app()));
    return 0;
  });
  Command table = app.add_command("__flags").hidden();
  table.runs(context, [app] {
    fmt::print("{}", flag_table(app.app()));
    return 0;
  });
}

int run_complete(const Context& context, Command app, const std::vector<std::string>& words) {
  for (const Candidate& candidate : complete(app.app(), words, context.paths))
    fmt::print("{}\t{}\n", candidate.word, candidate.about);
  return 0;
}

}  // namespace berth::cli
