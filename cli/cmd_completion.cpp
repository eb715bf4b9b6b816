#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/commands.h"
#include "cli/context.h"
#include "cli/self_description.h"

namespace berth::cli {

void add_completion(CLI::App& app, Context& context) {
  auto shell = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand("completion", "Print a completion script for your shell");
  command->add_option("SHELL", *shell, "bash, zsh or fish")->required()->check(CLI::IsMember({"bash", "zsh", "fish"}));
  command->callback([&app, &context, shell] {
    context.command = [&app, shell] {
      fmt::print("{}", completion_script(app, *shell));
      return 0;
    };
  });
  // For the build, which installs the page.
  CLI::App* man = app.add_subcommand("man", "Print the manual page")->group("");
  man->callback([&app, &context] {
    context.command = [&app] {
      fmt::print("{}", man_page(app));
      return 0;
    };
  });
}

}  // namespace berth::cli
