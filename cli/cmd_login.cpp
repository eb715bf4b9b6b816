#include "cli/cmd_login.h"

#include <memory>

#include "cli/commands.h"
#include "cli/helper.h"
#include "cli/project.h"

namespace berth::cli {

void add_login_commands(Command app, Context& context, const LoginCommands& commands) {
  auto flags = std::make_shared<LoginFlags>();
  Command login = app.add_command("login", "Log in to a registry");
  login.option("SERVER", flags->server, "Host of the registry; Docker Hub if missing");
  login.option("-u,--username", flags->user, "Username");
  login.option("-p,--password", flags->password, "Password");
  login.flag("--password-stdin", flags->password_from_stdin, "Take the password from stdin");
  login.runs(context, [flags, run = commands.login] { return run(*flags); });

  auto server = std::make_shared<std::string>();
  Command logout = app.add_command("logout", "Log out from a registry");
  logout.option("SERVER", *server, "Host of the registry; Docker Hub if missing");
  logout.runs(context, [server, run = commands.logout] { return run(*server); });
}

void add_login(Command app, Context& context) {
  auto elsewhere = [&context] { return report(context, become_helper("berth-images", context.argv)); };
  add_login_commands(app, context,
                     {[elsewhere](const LoginFlags&) { return elsewhere(); },
                      [elsewhere](const std::string&) { return elsewhere(); }});
}

}  // namespace berth::cli
