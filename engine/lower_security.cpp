#include <fmt/core.h>

#include "base/text.h"
#include "compose/graph.h"
#include "engine/lower_parts.h"
#include "engine/seccomp_file.h"
#include "sys/file.h"

namespace berth::engine {
namespace {

/// The text of a seccomp profile, which then belongs to the container's configuration.
std::string read_profile(const Lowering& in, const std::string& file) {
  constexpr size_t kLimit = 1 << 20;
  if (file.starts_with('{')) return file;
  Result<std::string> text = sys::read_file(file, kLimit);
  berth::Status good = text ? berth::Status() : berth::Status(text.error());
  if (good) {
    Result<runtime::SeccompProfile> profile = parse_seccomp(*text, runtime::default_caps());
    if (!profile) good = std::move(profile).error();
  }
  if (good) return std::string(trim(*text));
  in.diagnostics.error(in.service.place("security_opt"),
                       fmt::format("seccomp profile {}: {}", printable(file), good.error().message()));
  return "";
}

/// "name=value" or "name:value".
std::string lower_option(const Lowering& in, const std::string& option) {
  size_t separator = option.find_first_of("=:");
  std::string name = option.substr(0, separator);
  std::string value = separator == std::string::npos ? "" : option.substr(separator + 1);
  bool known = (name == "no-new-privileges" && (value.empty() || value == "true" || value == "false")) ||
               (name == "seccomp" && value == "unconfined") || (name == "systempaths" && value == "unconfined") ||
               ((name == "apparmor" || name == "label") && !value.empty());
  if (known) return option;
  if (name == "seccomp" && !value.empty()) return "seccomp=" + read_profile(in, value);
  in.diagnostics.error(in.service.place("security_opt"), fmt::format("security_opt \"{}\" is not known", option),
                       "no-new-privileges, seccomp=FILE, systempaths=unconfined, apparmor=… and label=… are");
  return option;
}

/// Docker's rule: shared memory is only lent by those that offer it.
void check_lender(const Lowering& in) {
  const compose::Service* lender = in.project.find_service(compose::service_reference(in.service.ipc));
  if (lender == nullptr) return;
  const std::string mode = lender->ipc.value_or("private");
  if (mode != "private" && mode != "none") return;
  in.diagnostics.error(in.service.place("ipc"),
                       fmt::format("service \"{}\" cannot join the ipc namespace of \"{}\", which is not shareable",
                                   in.service.name, lender->name),
                       fmt::format("write `ipc: shareable` in service \"{}\"", lender->name));
}

}  // namespace

void lower_security(const Lowering& in) {
  const compose::Service& s = in.service;
  ContainerConfig& c = in.container;
  c.cap_add = s.cap_add;
  c.cap_drop = s.cap_drop;
  c.privileged = s.privileged.value_or(false);
  for (const std::string& option : s.security_opt) c.security_opt.push_back(lower_option(in, option));
  c.pid_mode = s.pid.value_or("");
  c.ipc_mode = s.ipc.value_or("");
  c.uts_mode = s.uts.value_or("");
  c.cgroup_mode = s.cgroup.value_or("");
  c.userns_mode = s.userns_mode.value_or("");
  check_lender(in);
}

}  // namespace berth::engine
