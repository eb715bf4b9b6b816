#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "base/text.h"
#include "cli/doctor/scan.h"
#include "sys/file.h"
#include "volumes/volume_mount.h"

namespace berth::cli::doctor {
namespace {

Status remove_tree(const std::string& path) {
  std::error_code error;
  std::filesystem::remove_all(path, error);
  return error ? sys_error("remove " + path, error.value()) : Status();
}

Thing file_thing(const std::string& path, std::string kind = "file") {
  return {.kind = std::move(kind), .name = path, .detail = {}, .remove = [path] { return remove_tree(path); }};
}

/// "\040" and the like, as mountinfo writes spaces.
std::string unescape(const std::string& text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    bool escaped = text[i] == '\\' && i + 3 < text.size();
    if (escaped) plain += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
    if (escaped)
      i += 3;
    else
      plain += text[i];
  }
  return plain;
}

void add_containers(const Owners& owners, Things& things) {
  const sys::Paths& paths = owners.paths();
  for (const std::string& top : {paths.containers(), paths.live()}) {
    for (const std::string& id : sys::list_dir(top).value_or({})) {
      things.push_back(file_thing(top + "/" + id));
      owners.judge_existing(things.back(), id);
    }
  }
}

void add_networks(const Owners& owners, Things& things) {
  const std::string top = owners.paths().networks();
  for (const std::string& file : sys::list_dir(top).value_or({})) {
    Thing thing = file_thing(top + "/" + file);
    const std::string name = file.ends_with(".json") ? file.substr(0, file.size() - 5) : file;
    if (owners.observed().network(name) != nullptr) {
      thing.owner = "network " + name;
    } else {
      bool temporary = file.starts_with(".tmp-") && !owners.attended();
      thing.standing = temporary ? Standing::leftover : Standing::uncertain;
      thing.why = temporary ? "its writer has gone" : "it cannot be read";
    }
    things.push_back(std::move(thing));
  }
}

/// A volume is its user's data: without a record it is shown, and never removed.
void add_volumes(const Owners& owners, Things& things) {
  const std::string top = owners.paths().volumes();
  for (const std::string& name : owners.observed().volumes) {
    Thing thing{.kind = "file", .name = top + "/" + name, .owner = "volume " + name};
    if (!sys::exists(thing.name + "/volume.json")) {
      thing.owner.clear();
      thing.standing = Standing::uncertain;
      thing.why = "a volume without its record";
    }
    things.push_back(std::move(thing));
  }
}

/// What the helpers keep in $BERTH_RUN, what stays there, and what is of no container.
void add_other_files(const Owners& owners, Things& things) {
  const std::string& run = owners.paths().run;
  for (const char* name : {"exits", "supervised", "supervisor.log", "supervisor.sock", "unwritten"}) {
    std::string path = run + "/" + name;
    if (!sys::exists(path)) continue;
    things.push_back(file_thing(path, path.ends_with(".sock") ? "socket" : "file"));
    owners.judge_helpers(things.back());
  }
  for (const char* name : {"events", "events.old", "keeper.lock", "start.lock"}) {
    std::string path = run + "/" + name;
    if (sys::exists(path)) things.push_back({.kind = "file", .name = path, .owner = "berth"});
  }
  for (const char* name : {"images", "cache"}) {
    std::string path = owners.paths().root + "/" + name;
    if (sys::exists(path)) things.push_back({.kind = "file", .name = path, .owner = name});
  }
  std::string build = owners.paths().root + "/build/";
  for (const std::string& name : sys::list_dir(build).value_or({})) {
    things.push_back(file_thing(build + name));
    if (name.starts_with(".tmp-"))
      owners.judge_build(things.back());
    else
      things.back().owner = "builds";
  }
}

}  // namespace

Things scan_mounts(const Owners& owners) {
  Things things;
  const sys::Paths& paths = owners.paths();
  const std::string volumes = paths.volumes() + "/", data = "/_data";
  for (const std::string& line : split(sys::read_file("/proc/self/mountinfo", 64 << 20).value_or(""), '\n')) {
    std::vector<std::string> fields = split(line, ' ');
    if (fields.size() < 5) continue;
    std::string place = unescape(fields[4]);
    if (!place.starts_with(paths.root + "/") && !place.starts_with(paths.run + "/")) continue;
    Thing thing{.kind = "mount", .name = place, .detail = fields.back()};
    bool of_volume = place.starts_with(volumes) && place.ends_with(data);
    std::string volume = of_volume ? place.substr(volumes.size(), place.size() - volumes.size() - data.size()) : "";
    if (!of_volume) {
      thing.standing = Standing::uncertain;
      thing.why = "berth mounts nothing there";
    } else if (owners.in_use(volume) || owners.attended()) {
      thing.owner = "volume " + volume;
    } else {
      thing.standing = Standing::leftover;
      thing.why = "no running container has volume " + volume;
    }
    thing.remove = [place] { return volumes::unmount_volume(place); };
    things.push_back(std::move(thing));
  }
  return things;
}

Things scan_files(const Owners& owners) {
  Things things;
  add_containers(owners, things);
  add_networks(owners, things);
  add_volumes(owners, things);
  add_other_files(owners, things);
  return things;
}

}  // namespace berth::cli::doctor
