// features and spec.

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "base/version.h"
#include "oci/commands.h"
#include "runtime/caps.h"
#include "sys/file.h"

namespace berth::oci {
namespace {

using Json = nlohmann::ordered_json;

Json mount_options() {
  Json words = {"atime",          "bind",        "defaults",     "dev",
                "diratime",       "exec",        "idmap",        "noatime",
                "nodev",          "nodiratime",  "noexec",       "norelatime",
                "nostrictatime",  "nosuid",      "nosymfollow",  "private",
                "ratime",         "rbind",       "rdev",         "rdiratime",
                "relatime",       "rexec",       "ridmap",       "rnoatime",
                "rnodev",         "rnodiratime", "rnoexec",      "rnorelatime",
                "rnostrictatime", "rnosuid",     "rnosymfollow", "ro",
                "rprivate",       "rrelatime",   "rro",          "rrw",
                "rshared",        "rslave",      "rstrictatime", "rsuid",
                "rsymfollow",     "runbindable", "rw",           "shared",
                "slave",          "strictatime", "suid",         "symfollow",
                "tmpcopyup",      "unbindable"};
  return words;
}

Json capabilities() {
  Json names = Json::array();
  for (const std::string& name : split(runtime::render_caps(runtime::all_caps().value_or(0)), ',')) {
    names.push_back("CAP_" + name);
  }
  return names;
}

Json seccomp() {
  return {
      {"enabled", true},
      {"actions",
       {"SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD",
        "SCMP_ACT_LOG", "SCMP_ACT_TRACE", "SCMP_ACT_TRAP"}},
      {"operators",
       {"SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_LE", "SCMP_CMP_LT", "SCMP_CMP_MASKED_EQ",
        "SCMP_CMP_NE"}},
      {"knownFlags", {"SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"}},
      {"supportedFlags", {"SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"}}};
}

Json linux_features() {
  return {{"namespaces", {"cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts"}},
          {"capabilities", capabilities()},
          {"cgroup", {{"v1", true}, {"v2", true}, {"systemd", false}, {"systemdUser", false}, {"rdma", true}}},
          {"seccomp", seccomp()},
          {"apparmor", {{"enabled", true}}},
          {"selinux", {{"enabled", true}}},
          {"intelRdt", {{"enabled", false}}},
          {"memoryPolicy", Json::object()},
          {"mountExtensions", {{"idmap", {{"enabled", true}}}}},
          {"netDevices", {{"enabled", false}}}};
}

Json mount_entry(const char* target, const char* type, const char* source, std::vector<std::string> options) {
  return {{"destination", target}, {"type", type}, {"source", source}, {"options", std::move(options)}};
}

Json example_process() {
  Json caps = {"CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"};
  return {{"terminal", true},
          {"user", {{"uid", 0}, {"gid", 0}}},
          {"args", {"sh"}},
          {"env", {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"}},
          {"cwd", "/"},
          {"capabilities", {{"bounding", caps}, {"effective", caps}, {"permitted", caps}}},
          {"rlimits", {{{"type", "RLIMIT_NOFILE"}, {"hard", 1024}, {"soft", 1024}}}},
          {"noNewPrivileges", true}};
}

Json example_mounts() {
  return Json::array({
      mount_entry("/proc", "proc", "proc", {"nosuid", "noexec", "nodev"}),
      mount_entry("/dev", "tmpfs", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}),
      mount_entry("/dev/pts", "devpts", "devpts",
                  {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}),
      mount_entry("/dev/shm", "tmpfs", "shm", {"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"}),
      mount_entry("/dev/mqueue", "mqueue", "mqueue", {"nosuid", "noexec", "nodev"}),
      mount_entry("/sys", "sysfs", "sysfs", {"nosuid", "noexec", "nodev", "ro"}),
      mount_entry("/sys/fs/cgroup", "cgroup", "cgroup", {"nosuid", "noexec", "nodev", "relatime", "ro"}),
  });
}

Json example() {
  Json namespaces = Json::array();
  for (const char* type : {"pid", "network", "ipc", "uts", "mount", "cgroup"}) namespaces.push_back({{"type", type}});
  return {{"ociVersion", kSpecVersion},
          {"process", example_process()},
          {"root", {{"path", "rootfs"}, {"readonly", true}}},
          {"hostname", "berth"},
          {"mounts", example_mounts()},
          {"linux",
           {{"resources", {{"devices", Json::array({{{"allow", false}, {"access", "rwm"}}})}}},
            {"namespaces", namespaces},
            {"maskedPaths",
             {"/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list",
              "/proc/timer_stats", "/proc/sched_debug", "/sys/firmware", "/proc/scsi"}},
            {"readonlyPaths", {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}}}}};
}

}  // namespace

Result<int> features(const Context&, const Arguments& arguments) {
  if (!arguments.operands().empty()) return make_error("features has no operands");
  Json document = {
      {"ociVersionMin", "1.0.0"},
      {"ociVersionMax", kSpecVersion},
      {"hooks", {"prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"}},
      {"mountOptions", mount_options()},
      {"linux", linux_features()},
      {"annotations", {{"berth.version", kVersion}}},
  };
  fmt::print("{}\n", document.dump(2));
  return 0;
}

Result<int> spec(const Context&, const Arguments& arguments) {
  if (!arguments.operands().empty()) return make_error("spec has no operands");
  if (arguments.has("rootless")) return make_error("--rootless is not supported");
  std::string path = arguments.has("bundle") ? arguments.value("bundle") + "/config.json" : "config.json";
  if (sys::exists(path)) return make_error(path + " exists already", "remove it first");
  BERTH_TRY_OK(sys::write_file_atomic(path, example().dump(2) + "\n", sys::Durability::none));
  return 0;
}

}  // namespace berth::oci
