#include <fmt/core.h>
#include <sys/resource.h>

#include "base/text.h"
#include "runtime/prepare.h"
#include "runtime/security_label.h"
#include "runtime/user.h"

namespace berth::runtime {
namespace {

const std::string kDefaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

bool has_nul(const std::string& text) {
  return text.find('\0') != std::string::npos;
}

/// The variables that every program may count on.
void add_defaults(std::vector<std::string>& env, const std::string& home, bool tty) {
  if (find_variable(env, "PATH") == nullptr) env.emplace_back(kDefaultPath);
  if (find_variable(env, "HOME") == nullptr) env.push_back("HOME=" + home);
  if (tty && find_variable(env, "TERM") == nullptr) env.emplace_back("TERM=xterm");
}

/// What to try to execute, in order: a name with a slash is a path, else each directory of the container's PATH.
std::vector<std::string> candidates(const std::string& command, const std::vector<std::string>& env) {
  if (command.find('/') != std::string::npos) return {command};
  std::vector<std::string> result;
  const std::string* path = find_variable(env, "PATH");
  for (const std::string& dir : split((path == nullptr ? kDefaultPath : *path).substr(5), ':')) {
    // An empty or relative entry would mean the working directory, which the image's user may write to.
    if (dir.starts_with('/')) result.push_back(dir + "/" + command);
  }
  return result;
}

LayerStack layers_of(const ContainerSpec& spec) {
  if (!spec.rootfs.empty()) return {spec.rootfs};
  LayerStack layers = {spec.upper_dir};
  layers.insert(layers.end(), spec.layers.begin(), spec.layers.end());
  return layers;
}

Result<std::string> home_of(const ContainerSpec& spec, uid_t uid) {
  BERTH_TRY(std::optional<std::string> passwd, read_layered(layers_of(spec), "etc/passwd"));
  BERTH_TRY(ResolvedUser user, resolve_user_in(std::to_string(uid), {}, passwd.value_or(""), ""));
  return user.home;
}

Status plan_user(const ContainerSpec& spec, const std::string& user, ChildPlan& plan, std::string& home) {
  BERTH_TRY(ResolvedUser resolved,
            resolve_user(user, spec.group_add, layers_of(spec)).context("user \"{}\"", printable(user)));
  plan.uid = resolved.uid;
  plan.gid = resolved.gid;
  plan.groups = std::move(resolved.groups);
  home = std::move(resolved.home);
  return {};
}

Status plan_filter(Host& host, const ContainerSpec& spec, Prepared& prepared) {
  ChildPlan& plan = prepared.plan;
  if (spec.seccomp == SeccompMode::default_profile) {
    BERTH_TRY(prepared.filter, host.default_filter(plan.caps));
  } else if (spec.seccomp == SeccompMode::program) {
    prepared.filter = spec.seccomp_program;
  }
  if (prepared.filter == nullptr || prepared.filter->empty()) return {};
  if (prepared.filter->size() > BPF_MAXINSNS) return make_error("the seccomp program is too long");
  plan.seccomp = prepared.filter->data();
  plan.seccomp_length = static_cast<unsigned short>(prepared.filter->size());
  plan.seccomp_flags = spec.seccomp_flags;
  return {};
}

Status plan_security(Host& host, const ContainerSpec& spec, bool privileged, Prepared& prepared) {
  ChildPlan& plan = prepared.plan;
  BERTH_TRY(plan.caps, resolve_caps(spec.cap_add, spec.cap_drop, privileged, host.all_caps()));
  if (privileged && !spec.privileged) plan.caps = host.all_caps();  // exec: whatever its container has dropped
  // A user other than root gets none: as with Docker, capabilities of a plain user come from files only
  // (CVE-2016-8867). Nobody gets inheritable ones, which files' inheritable sets would find (CVE-2022-24769).
  CapMask effective = plan.uid == 0 ? plan.caps : 0;
  plan.cap_sets = {plan.caps, effective, effective, 0, 0};
  plan.no_new_privileges = spec.no_new_privileges;
  plan.die_with_parent = spec.die_with_parent;
  // Confined even if privileged, where that is asked for; what is privileged beyond its container is not.
  if (privileged == spec.privileged) BERTH_TRY_OK(plan_label(spec.apparmor_profile, "", plan));
  if (privileged) return {};
  return plan_filter(host, spec, prepared);
}

Status plan_limits(const std::vector<Rlimit>& limits, ChildPlan& plan) {
  for (const Rlimit& limit : limits) {
    if (limit.soft > limit.hard) {
      return make_error(
          fmt::format("ulimit {}: soft limit {} is above the hard limit {}", limit.resource, limit.soft, limit.hard));
    }
    plan.rlimits.emplace_back(limit.resource, rlimit{limit.soft, limit.hard});
  }
  return {};
}

}  // namespace

std::vector<char*> null_terminated(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

const std::string* find_variable(const std::vector<std::string>& env, std::string_view name) {
  for (auto entry = env.rbegin(); entry != env.rend(); ++entry) {
    if (entry->size() > name.size() && entry->starts_with(name) && (*entry)[name.size()] == '=') return &*entry;
  }
  return nullptr;
}

Status plan_process(Host& host, const ContainerSpec& spec, const ProcessSettings& settings, Prepared& prepared) {
  ChildPlan& plan = prepared.plan;
  if (settings.args.empty() || settings.args[0].empty()) {
    return make_error("no command", "give a command, or an image with CMD or ENTRYPOINT");
  }
  for (const auto* list : {&settings.args, &settings.env}) {
    for (const std::string& text : *list) {
      if (has_nul(text)) return make_error(fmt::format("\"{}\" contains a NUL byte", printable(text)));
    }
  }
  std::string home;
  if (settings.attributes != nullptr) {
    BERTH_TRY_OK(plan_limits(settings.attributes->rlimits, plan));
    BERTH_TRY_OK(plan_attributes(*settings.attributes, prepared));
    BERTH_TRY_OK(plan_filter(host, spec, prepared));
    // The one variable that nobody can do without and OCI's other runtimes add, too.
    if (find_variable(settings.env, "HOME") == nullptr) {
      BERTH_TRY(home, home_of(spec, plan.uid));
    }
  } else {
    BERTH_TRY_OK(plan_user(spec, settings.user, plan, home));
    BERTH_TRY_OK(plan_security(host, spec, settings.privileged, prepared));
    BERTH_TRY_OK(plan_limits(spec.rlimits, plan));
  }
  BERTH_TRY(plan.cwd, clean_path(settings.cwd.empty() ? "/" : settings.cwd, "working directory"));
  plan.tty = settings.tty;
  plan.tty_rows = settings.tty_rows;
  plan.tty_columns = settings.tty_columns;

  plan.arg_storage = settings.args;
  plan.env_storage = settings.env;
  if (settings.attributes == nullptr) {
    add_defaults(plan.env_storage, home, settings.tty);
  } else if (!home.empty()) {
    plan.env_storage.push_back("HOME=" + home);
  }
  plan.exec_candidates = candidates(plan.arg_storage[0], plan.env_storage);
  plan.argv = null_terminated(plan.arg_storage);
  plan.envp = null_terminated(plan.env_storage);
  return {};
}

}  // namespace berth::runtime
