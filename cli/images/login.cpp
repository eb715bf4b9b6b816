#include "cli/images/login.h"

#include <fmt/core.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/images/prompt.h"
#include "registry/client.h"
#include "registry/hub.h"
#include "registry/logins.h"
#include "registry/settings.h"
#include "registry/url.h"
#include "sys/file.h"

namespace berth::cli {
namespace {

using registry::Credentials;

constexpr size_t kPasswordLimit = 1 << 20;  // some clouds' passwords are tokens of many kilobytes

/// The registry's host, from "host", "https://host/v1/" or nothing.
Result<std::string> host_of(const std::string& server) {
  std::string text = server.empty() ? registry::kHubDomain : server;
  for (std::string_view scheme : {"https://", "http://"}) {
    if (text.starts_with(scheme)) text.erase(0, scheme.size());
  }
  text.resize(std::min(text.size(), text.find('/')));
  if (text.empty() || !registry::parse_url("https://" + text)) {
    return make_error(
        fmt::format("\"{}\": expected the host of a registry, such as ghcr.io or localhost:5000", printable(server)));
  }
  return registry::is_hub(text) ? registry::kHubDomain : text;
}

Result<std::string> password_from_stdin() {
  BERTH_TRY(std::string text, sys::read_all(sys::FdRef(STDIN_FILENO), kPasswordLimit));
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  return text;
}

/// What the command line says, so far.
Result<Credentials> given(const LoginFlags& flags) {
  Credentials credentials{std::string(trim(flags.user)), flags.password, ""};
  if (!flags.password.empty()) {
    fmt::print(stderr, "WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n");
    if (flags.password_from_stdin) return make_error("--password and --password-stdin are mutually exclusive");
  }
  if (flags.password_from_stdin) {
    if (credentials.user.empty()) return make_error("Must provide --username with --password-stdin");
    BERTH_TRY(credentials.password, password_from_stdin());
  }
  return credentials;
}

/// Asks for what is missing. `usual`: the user of the login that is stored already.
Status complete(Credentials& credentials, const std::string& host, const std::string& usual) {
  if (credentials.password.empty() && isatty(STDIN_FILENO) != 1) {
    return make_error("cannot perform an interactive login from a non TTY device",
                      "give the password by a pipe: " + registry::login_command(host) + " -u USER --password-stdin");
  }
  if (credentials.user.empty()) {
    std::string text = usual.empty() ? "Username: " : fmt::format("Username ({}): ", printable(usual));
    BERTH_TRY(std::string user, ask(text));
    credentials.user = trim(user);
    if (credentials.user.empty()) credentials.user = usual;
  }
  if (credentials.user.empty()) return make_error("a username is required");
  if (credentials.password.empty()) {
    BERTH_TRY(credentials.password, ask("Password: ", true));
  }
  if (credentials.password.empty()) return make_error("a password is required");
  return {};
}

/// The login that is kept for the host, if it has a name and a password.
std::optional<Credentials> kept(const registry::Logins& logins, const std::string& host) {
  Result<std::optional<Credentials>> found = logins.find(host);
  if (!found || !*found || (*found)->user.empty() || (*found)->password.empty()) return std::nullopt;
  return **std::move(found);
}

Status check_and_store(registry::Client& client, const registry::Logins& logins, const std::string& host,
                       Credentials credentials) {
  BERTH_TRY(std::string identity, client.check_credentials(host, credentials));
  if (!identity.empty()) {
    credentials.password.clear();
    credentials.identity_token = identity;
  }
  BERTH_TRY(bool in_file, logins.store(host, credentials).context("save the login"));
  if (in_file) {
    fmt::print(stderr,
               "WARNING! Your password will be stored unencrypted in {}.\n"
               "A credential helper would keep it safe: credsStore in that file names one.\n\n",
               logins.path());
  }
  fmt::print("Login Succeeded\n");
  return {};
}

}  // namespace

Status log_in(const LoginFlags& flags) {
  BERTH_TRY(std::string host, host_of(flags.server));
  BERTH_TRY(Credentials credentials, given(flags));
  BERTH_TRY(registry::Settings settings, registry::load_settings());
  registry::Logins logins = registry::Logins::of_user();
  registry::Client client(std::move(settings), [](const std::string& text) { fmt::print(stderr, "{}\n", text); });
  std::optional<Credentials> stored;
  if (credentials.user.empty() && credentials.password.empty()) stored = kept(logins, host);
  if (stored) {
    fmt::print("Authenticating with existing credentials...\n");
    Status done = check_and_store(client, logins, host, *stored);
    if (done) return done;
    fmt::print(stderr, "Login did not succeed, error: {}\n", done.error().message());
  }
  BERTH_TRY_OK(complete(credentials, host, stored ? stored->user : ""));
  return check_and_store(client, logins, host, std::move(credentials));
}

Status log_out(const std::string& server) {
  BERTH_TRY(std::string host, host_of(server));
  registry::Logins logins = registry::Logins::of_user();
  BERTH_TRY_OK(logins.config());
  fmt::print("Removing login credentials for {}\n", registry::login_key(host));
  if (Result<bool> erased = logins.erase(host); !erased) {
    fmt::print(stderr, "WARNING: could not erase credentials:\n{}\n", erased.error().message());
  }
  return {};
}

}  // namespace berth::cli
