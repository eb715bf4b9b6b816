#include "cli/doctor/processes.h"

#include <fmt/core.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "base/text.h"
#include "sys/file.h"
#include "sys/pidfd.h"

namespace berth::cli::doctor {
namespace {

constexpr size_t kLongest = 1 << 20;
constexpr int kExitMs = 5000;

std::vector<std::string> words_in(const std::string& path) {
  Result<std::string> text = sys::read_file(path, kLongest);
  if (!text || text->empty()) return {};
  if (text->back() == '\0') text->pop_back();
  return split(*text, '\0');
}

std::string link_target(const std::string& path) {
  std::error_code gone;
  return std::filesystem::read_symlink(path, gone).string();
}

/// Kills exactly the process that was looked at.
Status kill_process(const sys::ProcessIdentity& identity) {
  Result<sys::Pidfd> process = sys::open_identified(identity);
  if (!process) return {};
  BERTH_TRY_OK(process->signal(SIGKILL));
  return process->wait_exit(kExitMs) ? Status() : make_error(fmt::format("process {} does not end", identity.pid));
}

}  // namespace

std::vector<pid_t> all_processes() {
  std::vector<pid_t> pids;
  for (const std::string& name : sys::list_dir("/proc").value_or({})) {
    if (auto pid = parse_unsigned(name)) pids.push_back(static_cast<pid_t>(*pid));
  }
  std::ranges::sort(pids);
  return pids;
}

std::vector<std::string> arguments_of(pid_t pid) {
  return words_in(fmt::format("/proc/{}/cmdline", pid));
}

std::string variable_of(pid_t pid, const std::string& name) {
  for (const std::string& variable : words_in(fmt::format("/proc/{}/environ", pid))) {
    if (variable.starts_with(name + "=")) return variable.substr(name.size() + 1);
  }
  return "";
}

std::set<std::string> namespaces_of(pid_t pid) {
  std::set<std::string> found;
  for (const char* kind : {"cgroup", "ipc", "mnt", "net", "pid", "user", "uts"}) {
    std::string its = link_target(fmt::format("/proc/{}/ns/{}", pid, kind));
    if (!its.empty() && its != link_target(fmt::format("/proc/self/ns/{}", kind))) found.insert(its);
  }
  return found;
}

Thing process_thing(pid_t pid) {
  Thing thing{.kind = "process", .name = std::to_string(pid), .detail = join(arguments_of(pid), " ")};
  if (Result<sys::ProcessIdentity> identity = sys::identify(pid))
    thing.remove = [identity = *identity] { return kill_process(identity); };
  return thing;
}

}  // namespace berth::cli::doctor
