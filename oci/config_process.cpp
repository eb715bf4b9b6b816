#include <fmt/core.h>
#include <sys/resource.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "oci/config.h"
#include "sys/file.h"

namespace berth::oci {
namespace {

struct Word {
  const char* name;
  uint64_t value;
};

constexpr Word kLimits[] = {
    {"RLIMIT_AS", RLIMIT_AS},           {"RLIMIT_CORE", RLIMIT_CORE},         {"RLIMIT_CPU", RLIMIT_CPU},
    {"RLIMIT_DATA", RLIMIT_DATA},       {"RLIMIT_FSIZE", RLIMIT_FSIZE},       {"RLIMIT_LOCKS", RLIMIT_LOCKS},
    {"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK}, {"RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE}, {"RLIMIT_NICE", RLIMIT_NICE},
    {"RLIMIT_NOFILE", RLIMIT_NOFILE},   {"RLIMIT_NPROC", RLIMIT_NPROC},       {"RLIMIT_RSS", RLIMIT_RSS},
    {"RLIMIT_RTPRIO", RLIMIT_RTPRIO},   {"RLIMIT_RTTIME", RLIMIT_RTTIME},     {"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING},
    {"RLIMIT_STACK", RLIMIT_STACK},
};

// sched(7), linux/sched.h
constexpr Word kPolicies[] = {{"SCHED_OTHER", 0}, {"SCHED_FIFO", 1}, {"SCHED_RR", 2},
                              {"SCHED_BATCH", 3}, {"SCHED_IDLE", 5}, {"SCHED_DEADLINE", 6}};
constexpr Word kSchedulerFlags[] = {
    {"SCHED_FLAG_RESET_ON_FORK", 0x01},  {"SCHED_FLAG_RECLAIM", 0x02},     {"SCHED_FLAG_DL_OVERRUN", 0x04},
    {"SCHED_FLAG_KEEP_POLICY", 0x08},    {"SCHED_FLAG_KEEP_PARAMS", 0x10}, {"SCHED_FLAG_UTIL_CLAMP_MIN", 0x20},
    {"SCHED_FLAG_UTIL_CLAMP_MAX", 0x40},
};

// linux/ioprio.h
constexpr Word kIoClasses[] = {{"IOPRIO_CLASS_RT", 1}, {"IOPRIO_CLASS_BE", 2}, {"IOPRIO_CLASS_IDLE", 3}};
constexpr int kIoClassShift = 13;

template <size_t N>
std::optional<uint64_t> word(const Node& node, const Word (&words)[N]) {
  std::string text = node.text();
  std::vector<std::string> names;
  for (const Word& known : words) {
    if (text == known.name) return known.value;
    names.emplace_back(known.name);
  }
  std::optional<std::string> near = nearest(text, names);
  node.wrong(fmt::format("unknown word \"{}\"{}", printable(text), near ? ", did you mean " + *near + "?" : ""));
  return std::nullopt;
}

/// Names that this kernel has, or that we do not hold, are left out with a warning, as the specification wants it.
runtime::CapMask caps_from(const Node& list, runtime::CapMask all) {
  runtime::CapMask caps = 0;
  for (const Node& item : list.items()) {
    std::string name = item.text();
    Result<runtime::CapMask> cap = runtime::parse_cap(name);
    if (!cap || (*cap & all) == 0)
      item.warn(fmt::format("capability {} cannot be given here, left out", printable(name)));
    else
      caps |= *cap;
  }
  return caps;
}

runtime::CapSets cap_sets_from(const Node& node) {
  node.know({"bounding", "effective", "permitted", "inheritable", "ambient"});
  runtime::CapMask all = runtime::all_caps().value_or(0);
  runtime::CapSets sets;
  sets.bounding = caps_from(node["bounding"], all);
  sets.permitted = caps_from(node["permitted"], all);
  sets.effective = caps_from(node["effective"], all) & sets.permitted;
  sets.inheritable = caps_from(node["inheritable"], all);
  sets.ambient = caps_from(node["ambient"], all) & sets.permitted & sets.inheritable;
  return sets;
}

std::vector<runtime::Rlimit> limits_from(const Node& list) {
  std::vector<runtime::Rlimit> limits;
  std::set<uint64_t> seen;
  for (const Node& item : list.items()) {
    item.know({"type", "soft", "hard"});
    std::optional<uint64_t> resource = word(item["type"], kLimits);
    if (!resource) continue;
    if (!seen.insert(*resource).second) item["type"].wrong("is there twice");
    limits.push_back({static_cast<int>(*resource), item["soft"].number<uint64_t>(), item["hard"].number<uint64_t>()});
  }
  return limits;
}

std::optional<runtime::Scheduling> scheduling_from(const Node& node) {
  if (!node.present()) return std::nullopt;
  node.know({"policy", "nice", "priority", "flags", "runtime", "deadline", "period"});
  runtime::Scheduling result;
  result.policy = static_cast<uint32_t>(word(node["policy"], kPolicies).value_or(0));
  result.nice = node["nice"].number<int32_t>();
  result.priority = node["priority"].number<uint32_t>();
  for (const Node& flag : node["flags"].items()) result.flags |= word(flag, kSchedulerFlags).value_or(0);
  result.runtime = node["runtime"].number<uint64_t>();
  result.deadline = node["deadline"].number<uint64_t>();
  result.period = node["period"].number<uint64_t>();
  return result;
}

std::optional<int> io_priority_from(const Node& node) {
  if (!node.present()) return std::nullopt;
  node.know({"class", "priority"});
  auto level = node["priority"].number<int>();
  if (level < 0 || level > 7) node["priority"].wrong("expected 0 to 7");
  return static_cast<int>(word(node["class"], kIoClasses).value_or(0)) << kIoClassShift | level;
}

void read_user(const Node& node, runtime::ProcessAttributes& attributes) {
  node.know({"uid", "gid", "umask", "additionalGids", "username"});
  node["username"].refuse("names of users are of Windows");
  attributes.uid = node["uid"].number<uint32_t>();
  attributes.gid = node["gid"].number<uint32_t>();
  attributes.umask = node["umask"].maybe<mode_t>().value_or(0022) & 0777;
  for (const Node& gid : node["additionalGids"].items()) attributes.groups.push_back(gid.number<uint32_t>());
}

/// "unconfined" is what everything is where there is no AppArmor.
std::string apparmor_from(const Node& node) {
  std::string profile = node.text();
  return profile == "unconfined" && !sys::exists("/sys/module/apparmor") ? "" : profile;
}

}  // namespace

Process process_from(const Node& node) {
  node.know({"terminal", "consoleSize", "user", "args", "commandLine", "env", "cwd", "capabilities", "rlimits",
             "noNewPrivileges", "apparmorProfile", "oomScoreAdj", "scheduler", "selinuxLabel", "ioPriority",
             "execCPUAffinity"});
  node["commandLine"].refuse("it is of Windows");
  node["execCPUAffinity"].refuse("a process runs where the control group lets it");
  Process process;
  process.args = node["args"].texts();
  if (process.args.empty()) node["args"].wrong("no command");
  process.env = node["env"].texts();
  process.cwd = node["cwd"].text();
  if (!process.cwd.starts_with('/')) node["cwd"].wrong("expected an absolute path");
  process.terminal = node["terminal"].flag();
  process.rows = node["consoleSize"]["height"].number<uint16_t>();
  process.columns = node["consoleSize"]["width"].number<uint16_t>();
  process.oom_score_adj = node["oomScoreAdj"].maybe<int>();
  runtime::ProcessAttributes& attributes = process.attributes;
  read_user(node["user"], attributes);
  attributes.caps = cap_sets_from(node["capabilities"]);
  attributes.rlimits = limits_from(node["rlimits"]);
  attributes.no_new_privileges = node["noNewPrivileges"].flag();
  attributes.scheduling = scheduling_from(node["scheduler"]);
  attributes.io_priority = io_priority_from(node["ioPriority"]);
  attributes.apparmor_profile = apparmor_from(node["apparmorProfile"]);
  attributes.selinux_label = node["selinuxLabel"].text();
  return process;
}

}  // namespace berth::oci
