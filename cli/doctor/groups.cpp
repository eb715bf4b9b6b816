#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <map>
#include <set>

#include "base/text.h"
#include "cli/doctor/processes.h"
#include "cli/doctor/scan.h"
#include "engine/run_spec.h"
#include "runtime/cgroup.h"
#include "sys/environment.h"
#include "sys/file.h"

namespace berth::cli::doctor {
namespace {

bool is_directory(const std::string& path) {
  struct stat info {};
  return lstat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

std::vector<std::string> groups_below(const std::string& group) {
  std::vector<std::string> found;
  for (const std::string& name : sys::list_dir(group).value_or({})) {
    if (is_directory(group + "/" + name)) found.push_back(name);
  }
  return found;
}

void collect(const std::string& group, std::set<pid_t>& pids) {
  for (const std::string& line : split(sys::read_file(group + "/cgroup.procs", 1 << 20).value_or(""), '\n')) {
    if (auto pid = parse_unsigned(line); pid && *pid > 0) pids.insert(static_cast<pid_t>(*pid));
  }
  for (const std::string& name : groups_below(group)) collect(group + "/" + name, pids);
}

/// Bottom-up; its processes have gone.
Status remove_group(const std::string& group) {
  for (const std::string& name : groups_below(group)) BERTH_TRY_OK(remove_group(group + "/" + name));
  if (rmdir(group.c_str()) == 0 || errno == ENOENT) return {};
  return sys_error("remove control group " + group, errno);
}

class Groups {
 public:
  explicit Groups(const Owners& owners) : owners_(owners), own_("berth-" + owners.paths().tag()) {}

  Things scan() {
    Result<runtime::CgroupMounts> mounts = runtime::CgroupMounts::discover();
    if (!mounts) return {};
    mounts_ = std::move(mounts).value();
    roots_.insert(mounts_.v2);
    for (const auto& [controller, root] : mounts_.v1) roots_.insert(root);
    for (const std::string& root : roots_) {
      for (const std::string& name : groups_below(root + "/" + own_)) {
        if (name != "helpers") paths_.emplace(own_ + "/" + name, name);
      }
    }
    for (const engine::Container& container : owners_.observed().containers)
      paths_.emplace(engine::cgroup_path(owners_.paths(), container.record), container.record.id);
    for (const auto& [path, id] : paths_) add(path, id);
    add_parent();
    return std::move(things_);
  }

 private:
  /// Where the group is, in every hierarchy.
  [[nodiscard]] std::vector<std::string> places(const std::string& path) const {
    std::vector<std::string> found;
    for (const std::string& root : roots_) {
      if (is_directory(root + "/" + path)) found.push_back(root + "/" + path);
    }
    return found;
  }

  /// Steps of builds have groups beside those of containers.
  void judge(Thing& thing, const std::string& id) const {
    if (id.starts_with("build-"))
      owners_.judge_build(thing);
    else
      owners_.judge_running(thing, id);
  }

  void add(const std::string& path, const std::string& id) {
    std::vector<std::string> everywhere = places(path);
    if (everywhere.empty()) return;
    std::set<pid_t> pids;
    for (const std::string& group : everywhere) collect(group, pids);
    std::set<std::string> namespaces;
    for (pid_t pid : pids) {
      things_.push_back(process_thing(pid));
      judge(things_.back(), id);
      namespaces.merge(namespaces_of(pid));
    }
    for (const std::string& name : namespaces) {
      things_.push_back({.kind = "namespace", .name = name, .detail = "of its processes"});
      judge(things_.back(), id);
    }
    Thing group{.kind = "control group", .name = path, .detail = fmt::format("{} processes", pids.size())};
    judge(group, id);
    group.remove = [this_mounts = mounts_, path, everywhere]() -> Status {
      if (Result<runtime::Cgroup> whole = runtime::Cgroup::open(this_mounts, path)) {
        BERTH_TRY_OK(whole->kill());
        BERTH_TRY_OK(whole->remove());
      }
      for (const std::string& group_path : everywhere) BERTH_TRY_OK(remove_group(group_path));
      return {};
    };
    things_.push_back(std::move(group));
  }

  /// The group above all these; the helpers' own is in it.
  void add_parent() {
    std::vector<std::string> everywhere = places(own_);
    if (everywhere.empty()) return;
    Thing parent{.kind = "control group", .name = own_, .detail = "of this state root"};
    owners_.judge_helpers(parent);
    parent.remove = [everywhere]() -> Status {
      for (const std::string& group : everywhere) BERTH_TRY_OK(remove_group(group));
      return {};
    };
    things_.push_back(std::move(parent));
  }

  const Owners& owners_;
  std::string own_;
  runtime::CgroupMounts mounts_;
  std::set<std::string> roots_;
  std::map<std::string, std::string> paths_;  // → id
  Things things_;
};

}  // namespace

Things scan_groups(const Owners& owners) {
  return Groups(owners).scan();
}

Things scan_helpers(const Owners& owners) {
  Things things;
  const sys::Paths& paths = owners.paths();
  for (pid_t pid : all_processes()) {
    if (pid == getpid()) continue;
    std::vector<std::string> arguments = arguments_of(pid);
    if (arguments.empty()) continue;
    std::string program = arguments[0].substr(arguments[0].rfind('/') + 1);
    bool helper = (program == "berth-keeper" || program == "berth-supervisor") && arguments.size() > 1 &&
                  arguments[1] == paths.run;
    bool command = (program == "berth" || program == "berth-images" || program == "berth-build") &&
                   variable_of(pid, "BERTH_ROOT") == sys::environment_variable("BERTH_ROOT");
    if (!helper && !command) continue;
    things.push_back(process_thing(pid));
    things.back().owner = "berth";
  }
  return things;
}

}  // namespace berth::cli::doctor
