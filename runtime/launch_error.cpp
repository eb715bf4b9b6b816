#include "runtime/launch_error.h"

#include <fmt/core.h>
#include <sys/resource.h>

#include <cerrno>

#include "base/text.h"

namespace berth::runtime {
namespace {

template <class List>
bool in(const List& list, int index) {
  return index >= 0 && static_cast<size_t>(index) < list.size();
}

std::string path_at(const std::vector<std::string>& list, int index) {
  return in(list, index) ? printable(list[static_cast<size_t>(index)]) : "?";
}

std::string mount_words(const ChildError& error, const ChildPlan& plan) {
  if (!in(plan.mounts, error.index)) return "mount";
  const PlannedMount& mount = plan.mounts[static_cast<size_t>(error.index)];
  std::string target = printable(mount.target);
  std::string what = mount.kind == PlannedMount::Kind::bind ? printable(mount.source) : mount.type;
  if (!mount.subpath.empty()) what += "/" + printable(mount.subpath);
  switch (error.stage) {
    case Stage::bind_source:
      return fmt::format("bind mount {} on {}: open the source", what, target);
    case Stage::mount_target:
      return fmt::format("mount {} on {}: open or make the target", what, target);
    default:
      return fmt::format("mount {} on {}", what, target);
  }
}

std::string mount_hint(const ChildError& error, const ChildPlan& plan) {
  if (error.stage == Stage::bind_source && error.code == ENOENT)
    return "create it, or let berth do so (create_host_path)";
  if (error.stage == Stage::mount_target && error.code == EROFS) {
    return "the target does not exist and its file system is read-only: create it in the image or volume";
  }
  if (error.stage == Stage::mount_target && error.code == EPERM) return "the target lies in /proc";
  if (error.stage == Stage::mount && error.code == ENOTDIR && in(plan.mounts, error.index)) {
    return "one of source and target is a directory, the other a file";
  }
  return "";
}

std::string command(const ChildPlan& plan) {
  return plan.arg_storage.empty() ? "" : fmt::format("\"{}\"", printable(plan.arg_storage[0]));
}

Error exec_error(const ChildError& error, const ChildPlan& plan) {
  std::string name = command(plan);
  switch (error.stage) {
    case Stage::exec_not_found: {
      bool is_path = !plan.arg_storage.empty() && plan.arg_storage[0].find('/') != std::string::npos;
      Error result = sys_error(fmt::format("command {} not found{}", name, is_path ? "" : " in PATH"), ENOENT);
      result.hint = "check command and entrypoint against what the image holds";
      return result;
    }
    case Stage::exec_no_interpreter: {
      Error result = sys_error(fmt::format("execute {}: its interpreter is missing", name), ENOENT);
      result.hint = "the first line (#!) or the dynamic loader names a file that the image does not have";
      return result;
    }
    default: {
      Error result = sys_error(fmt::format("execute {}", name), error.code);
      if (error.code == EACCES) result.hint = "the file is not executable for this user (chmod +x in the image)";
      if (error.code == ENOEXEC)
        result.hint = "made for another machine, or a script without a first line like #!/bin/sh";
      return result;
    }
  }
}

std::string hook_words(const ChildError& error, const ChildPlan& plan) {
  auto index = static_cast<size_t>(error.index);
  bool late = index >= plan.create_hooks.size();
  const std::vector<PlannedHook>& hooks = late ? plan.start_hooks : plan.create_hooks;
  if (late) index -= plan.create_hooks.size();
  std::string path = index < hooks.size() ? printable(hooks[index].path) : "?";
  return fmt::format("{} hook {} ({})", late ? "startContainer" : "createContainer", index, path);
}

std::string words(const ChildError& error, const ChildPlan& plan) {
  switch (error.stage) {
    case Stage::join_namespace:
      return "join a namespace";
    case Stage::join_cgroup:
      return "join the control group";
    case Stage::scheduling:
      return error.index == 0 ? "set the scheduling policy" : "set the I/O priority";
    case Stage::user_namespace:
      return error.index == 2 ? "become root in the user namespace" : "enter the user namespace";
    case Stage::time_namespace:
      return error.index == 0 ? "make a time namespace" : "set the offsets of the time namespace";
    case Stage::overlay:
      if (!plan.rootfs.empty()) return fmt::format("open the root file system {}", printable(plan.rootfs));
      return fmt::format("mount the root file system (upper directory {})", printable(plan.upper_dir));
    case Stage::overlay_layer:
      return fmt::format("add layer {} to the root file system", path_at(plan.layers, error.index));
    case Stage::overlay_attach:
      return "attach the root file system";
    case Stage::bind_source:
    case Stage::mount_target:
    case Stage::mount:
      return mount_words(error, plan);
    case Stage::new_namespaces:
      return "make namespaces";
    case Stage::private_root:
      return "make the host's mounts private";
    case Stage::loopback:
      return "bring the loopback interface up";
    case Stage::copy_up:
      return fmt::format("copy what the image has into {}", mount_words(error, plan));
    case Stage::pivot:
      return "pivot_root";
    case Stage::device:
      return fmt::format("make device {}", in(plan.devices, error.index)
                                               ? printable(plan.devices[static_cast<size_t>(error.index)].path)
                                               : "?");
    case Stage::dev_directory:
      return "set up /dev";
    case Stage::console:
      return "set up the terminal";
    case Stage::stdio:
      return fmt::format("connect descriptor {}", error.index);
    case Stage::hostname:
      return fmt::format("set host name \"{}\"", printable(error.index == 0 ? plan.hostname : plan.domainname));
    case Stage::sysctl:
      return fmt::format("set {}",
                         in(plan.sysctls, error.index) ? plan.sysctls[static_cast<size_t>(error.index)].first : "?");
    case Stage::oom_score:
      return fmt::format("set oom_score_adj to {}", plan.oom_score_adj);
    case Stage::cwd_create:
    case Stage::cwd:
      return fmt::format("enter the working directory {}", printable(plan.cwd));
    case Stage::cwd_outside:
      return fmt::format("the working directory {} lies outside of the container", printable(plan.cwd));
    case Stage::mask:
      return fmt::format("mask {}", path_at(plan.masked_paths, error.index));
    case Stage::read_only:
      return fmt::format("make {} read-only", path_at(plan.read_only_paths, error.index));
    case Stage::root_read_only:
      return "make the root file system read-only";
    case Stage::rlimit:
      return in(plan.rlimits, error.index)
                 ? fmt::format("set ulimit {} to {}:{}", plan.rlimits[static_cast<size_t>(error.index)].first,
                               plan.rlimits[static_cast<size_t>(error.index)].second.rlim_cur,
                               plan.rlimits[static_cast<size_t>(error.index)].second.rlim_max)
                 : "set ulimit";
    case Stage::root_propagation:
      return "set the propagation of the root file system";
    case Stage::security_label:
      return fmt::format("set the security label \"{}\"", printable(plan.label));
    case Stage::personality:
      return "set the personality";
    case Stage::hook:
    case Stage::hook_exit:
      return hook_words(error, plan);
    case Stage::seccomp:
      return "load the seccomp program";
    case Stage::capabilities:
      return "set capabilities";
    case Stage::identity:
      return fmt::format("become user {}:{}", plan.uid, plan.gid);
    case Stage::exec_not_found:
    case Stage::exec_no_interpreter:
    case Stage::exec:
      return "execute " + command(plan);
  }
  return "start";
}

bool is_exec(Stage stage) {
  return stage == Stage::exec || stage == Stage::exec_not_found || stage == Stage::exec_no_interpreter;
}

}  // namespace

Error describe(const ChildError& error, const ChildPlan& plan) {
  if (is_exec(error.stage)) return exec_error(error, plan);
  if (error.stage == Stage::hook_exit) {
    return make_error(fmt::format("{} ended with exit code {}", hook_words(error, plan), error.code));
  }
  Error result = sys_error(words(error, plan), error.code);
  if (std::string hint = mount_hint(error, plan); !hint.empty()) result.hint = hint;
  if (error.stage == Stage::rlimit && error.code == EPERM) {
    result.hint = "a hard limit above the present one needs CAP_SYS_RESOURCE, which this process does not have";
  }
  return result;
}

int exit_code_of(const ChildError& error) {
  if (error.stage == Stage::exec_not_found || error.stage == Stage::exec_no_interpreter) return 127;
  if (error.stage == Stage::exec) return 126;
  return 125;
}

}  // namespace berth::runtime
