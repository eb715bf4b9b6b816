#include "cli/cmd_login.h"

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/commands.h"
#include "cli/helper.h"
#include "cli/project.h"

namespace berth::cli {

void add_login_commands(CLI::App& app, Context& context, const LoginCommands& commands) {
  auto flags = std::make_shared<LoginFlags>();
  CLI::App* login = app.add_subcommand("login", "Log in to a registry");
  login->add_option("SERVER", flags->server, "Host of the registry; Docker Hub if missing");
  login->add_option("-u,--username", flags->user, "Username");
  login->add_option("-p,--password", flags->password, "Password");
  login->add_flag("--password-stdin", flags->password_from_stdin, "Take the password from stdin");
  login->callback([&context, flags, run = commands.login] { context.command = [flags, run] { return run(*flags); }; });

  auto server = std::make_shared<std::string>();
  CLI::App* logout = app.add_subcommand("logout", "Log out from a registry");
  logout->add_option("SERVER", *server, "Host of the registry; Docker Hub if missing");
  logout->callback(
      [&context, server, run = commands.logout] { context.command = [server, run] { return run(*server); }; });
}

void add_login(CLI::App& app, Context& context) {
  auto elsewhere = [&context] { return report(context, become_helper("berth-images", context.argv)); };
  add_login_commands(app, context,
                     {[elsewhere](const LoginFlags&) { return elsewhere(); },
                      [elsewhere](const std::string&) { return elsewhere(); }});
}

}  // namespace berth::cli
