#include "cli/noun.h"

#include <CLI/CLI.hpp>
#include <map>

namespace berth::cli {

CLI::App& noun(CLI::App& app, const std::string& name) {
  static const std::map<std::string, std::string> descriptions = {{"image", "Manage images"},
                                                                  {"builder", "Manage builds"},
                                                                  {"container", "Manage containers"},
                                                                  {"system", "Manage berth"}};
  for (CLI::App* known : app.get_subcommands({})) {
    if (known->get_name() == name) return *known;
  }
  CLI::App* made = app.add_subcommand(name, descriptions.at(name));
  made->require_subcommand(1);
  return *made;
}

}  // namespace berth::cli
