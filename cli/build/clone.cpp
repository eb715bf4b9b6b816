#include "cli/build/clone.h"

#include <fmt/core.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "cli/project.h"
#include "sys/file.h"

namespace berth::cli {
namespace {

/// Where the program leaves the commit's name.
std::string answer_of(const std::string& directory) {
  return directory + ".commit";
}

std::string render(const git::CloneRequest& request, const std::string& ssh_agent) {
  const dockerfile::GitRemote& remote = request.remote;
  nlohmann::json json{{"url", remote.url},
                      {"ref", remote.ref},
                      {"subdir", remote.subdir},
                      {"checksum", remote.checksum},
                      {"submodules", remote.submodules},
                      {"keep_git_dir", request.keep_git_dir},
                      {"repositories", request.repositories},
                      {"directory", request.directory},
                      {"token", request.token},
                      {"header", request.header},
                      {"ssh_agent", ssh_agent}};
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Result<git::CloneRequest> parse(const std::string& text) {
  nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object()) return make_error("order to berth-build clone: no JSON object");
  git::CloneRequest request;
  request.remote.url = json.value("url", "");
  request.remote.ref = json.value("ref", "");
  request.remote.subdir = json.value("subdir", "");
  request.remote.checksum = json.value("checksum", "");
  request.remote.submodules = json.value("submodules", true);
  request.keep_git_dir = json.value("keep_git_dir", false);
  request.repositories = json.value("repositories", "");
  request.directory = json.value("directory", "");
  request.token = json.value("token", "");
  request.header = json.value("header", "");
  if (std::string agent = json.value("ssh_agent", ""); !agent.empty()) setenv("SSH_AUTH_SOCK", agent.c_str(), 1);
  return request;
}

Status clone_ordered() {
  BERTH_TRY(std::string text, sys::read_all(sys::FdRef(STDIN_FILENO)));
  BERTH_TRY(git::CloneRequest request, parse(text));
  BERTH_TRY(std::string commit, git::clone(request));
  return sys::write_file_atomic(answer_of(request.directory), commit, sys::Durability::none);
}

}  // namespace

Result<std::string> clone(const Context& context, const git::CloneRequest& request, const std::string& ssh_agent,
                          const HelperWatch& watch) {
  BERTH_TRY(int code, run_helper(context, "berth-build", "clone", render(request, ssh_agent), watch));
  if (code != 0)
    return make_error(fmt::format("the repository {} could not be fetched", request.remote.shown()), "see above");
  return sys::read_file(answer_of(request.directory));
}

int clone_program(const Context& context) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  return report(context, clone_ordered());
}

}  // namespace berth::cli
