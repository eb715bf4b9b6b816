#pragma once

#include <functional>
#include <string>

#include "cli/command_line.h"

namespace berth::cli {

struct LoginFlags {
  std::string server;  // empty: Docker Hub
  std::string user, password;
  bool password_from_stdin = false;
};

/// Logins at registries; done by berth-images, as with ArchiveCommands. Each returns the command's exit code.
struct LoginCommands {
  std::function<int(const LoginFlags&)> login;
  std::function<int(const std::string& server)> logout;
};

/// `login` and `logout`.
void add_login_commands(Command app, Context& context, const LoginCommands& commands);

}  // namespace berth::cli
