#include "registry/credential_helper.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "sys/fd.h"
#include "sys/file.h"

namespace berth::registry {
namespace {

constexpr size_t kOutputLimit = 1 << 20;
/// The protocol knows this answer by its words alone.
constexpr const char* kNotFound = "credentials not found in native keychain";
/// In place of a user's name: the secret is an identity token.
constexpr const char* kTokenUser = "<token>";

/// What the child gets in place of our standard streams.
class SpawnActions {
 public:
  SpawnActions() { posix_spawn_file_actions_init(&actions_); }
  SpawnActions(const SpawnActions&) = delete;
  SpawnActions& operator=(const SpawnActions&) = delete;
  ~SpawnActions() { posix_spawn_file_actions_destroy(&actions_); }

  void put(sys::FdRef fd, int target) { posix_spawn_file_actions_adddup2(&actions_, fd.get(), target); }
  [[nodiscard]] const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

int wait_for(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
  return status;
}

}  // namespace

Result<CredentialHelper::Outcome> CredentialHelper::run(const char* action, const std::string& input) const {
  if (program_.find('/') != std::string::npos)
    return make_error(printable(program_) + ": expected a name without \"/\"");
  BERTH_TRY(sys::UniqueFd in, sys::memory_file("credential-helper", input));
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return sys_error("pipe", errno);
  sys::UniqueFd out(ends[0]), child_out(ends[1]);
  SpawnActions actions;
  actions.put(in.ref(), STDIN_FILENO);
  actions.put(child_out.ref(), STDOUT_FILENO);
  std::string name = program_, word = action;
  char* arguments[] = {name.data(), word.data(), nullptr};
  pid_t pid = 0;
  int code = posix_spawnp(&pid, program_.c_str(), actions.get(), nullptr, arguments, environ);
  if (code == ENOENT) {
    return make_error("the credential helper " + printable(program_) + " is not in PATH",
                      "config.json names it in credsStore or credHelpers");
  }
  if (code != 0) return sys_error("start " + program_, code);
  child_out.reset();
  Result<std::string> output = sys::read_all(out.ref(), kOutputLimit);
  out.reset();  // a program that writes on ends with SIGPIPE
  int status = wait_for(pid);
  if (!output) return std::move(output).context("{} {}", program_, action).error();
  return Outcome{WIFEXITED(status) && WEXITSTATUS(status) == 0, std::string(trim(*output))};
}

Error CredentialHelper::complaint(const char* action, const std::string& output) const {
  return make_error(fmt::format("{} {}: {}", program_, action, output.empty() ? "failed" : printable(output)));
}

Result<std::optional<Credentials>> CredentialHelper::get(const std::string& server) const {
  BERTH_TRY(Outcome outcome, run("get", server));
  if (!outcome.success && outcome.output == kNotFound) return std::optional<Credentials>();
  if (!outcome.success) return complaint("get", outcome.output);
  nlohmann::json answer = nlohmann::json::parse(outcome.output, nullptr, false);
  auto member = [&](const char* key) {
    return answer.is_object() && answer.contains(key) && answer[key].is_string() ? answer[key].get<std::string>() : "";
  };
  Credentials credentials{member("Username"), member("Secret"), ""};
  if (credentials.password.empty()) return complaint("get", "expected JSON with Username and Secret");
  if (credentials.user == kTokenUser) return std::optional(Credentials{"", "", credentials.password});
  return std::optional(std::move(credentials));
}

Status CredentialHelper::store(const std::string& server, const Credentials& credentials) const {
  bool token = !credentials.identity_token.empty();
  nlohmann::json request = {{"ServerURL", server},
                            {"Username", token ? kTokenUser : credentials.user},
                            {"Secret", token ? credentials.identity_token : credentials.password}};
  std::string input = request.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  BERTH_TRY(Outcome outcome, run("store", input));
  return outcome.success ? Status() : complaint("store", outcome.output);
}

Status CredentialHelper::erase(const std::string& server) const {
  BERTH_TRY(Outcome outcome, run("erase", server));
  return outcome.success || outcome.output == kNotFound ? Status() : complaint("erase", outcome.output);
}

}  // namespace berth::registry
