#include "engine/state.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstring>
#include <tuple>

#include "base/exit_record.h"
#include "engine/json.h"
#include "sys/file.h"

namespace berth::engine {
namespace {

constexpr size_t kMaxStateFile = 16 << 20;

/// Not disk: a power cut also ends every container, and `up` makes anew what a torn record no longer describes. What
/// cannot be made anew (volumes, images) is synced by its own store.
constexpr sys::Durability kDurability = sys::Durability::none;

template <class T>
Result<T> read_as(const std::string& path) {
  BERTH_TRY(std::string text, sys::read_file(path, kMaxStateFile));
  return from_json_text<T>(text, path);
}

template <class T>
berth::Status write_as(const std::string& path, const T& value, mode_t mode = 0600) {
  return sys::write_file_atomic(path, to_text(Json(value)) + "\n", kDurability, mode);
}

bool is_temporary(const std::string& name) {
  return name.rfind(".tmp-", 0) == 0;
}

constexpr int64_t kUnseen = 255;  // as Docker: nobody was there to see how it ended

/// What has not come through a reboot: the process and all that hung on it.
void forget_boot(LiveState& live) {
  if (live.alive() || live.status == Status::restarting) {
    live.status = Status::exited;
    live.exit_code = kUnseen;
  }
  live.process = {};
  live.endpoints.clear();
  live.ports.clear();
  live.health.clear();
}

/// What ran for the first time when the power went has no outcome, but it has the files that each start writes.
void find_first_start(LiveState& live, const std::string& dir) {
  if (live.status != Status::created || !live.error.empty()) return;
  struct stat info;
  if (stat((dir + "/hosts").c_str(), &info) != 0) return;
  live.status = Status::exited;
  live.exit_code = kUnseen;
  live.started_ns = info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec;
}

}  // namespace

bool mounts_volume(const ContainerRecord& record, const std::string& volume) {
  return std::any_of(record.mounts.begin(), record.mounts.end(),
                     [&](const MountConfig& mount) { return mount.type == "volume" && mount.source == volume; });
}

int64_t exit_code_of(int wait_status) {
  return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

const char* status_name(Status status) {
  switch (status) {
    case Status::created:
      return "created";
    case Status::running:
      return "running";
    case Status::paused:
      return "paused";
    case Status::restarting:
      return "restarting";
    case Status::removing:
      return "removing";
    case Status::exited:
      return "exited";
    case Status::dead:
      return "dead";
  }
  return "";
}

const NetworkRecord* Observed::network(const std::string& name) const {
  for (const NetworkRecord& record : networks) {
    if (record.config.name == name) return &record;
  }
  return nullptr;
}

Result<Container> StateStore::read_container(const std::string& id, const std::string& boot) const {
  Container container;
  BERTH_TRY(container.record, read_as<ContainerRecord>(paths_.container(id) + "/config.json"));
  if (container.record.id != id) return make_error(paths_.container(id) + "/config.json belongs to another container");
  Result<LiveState> live = read_as<LiveState>(live_dir(id) + "/state.json");
  if (!live) live = read_as<LiveState>(paths_.container(id) + "/state.json");
  if (live) container.live = std::move(live).value();
  if (container.live.boot_id != boot) {
    forget_boot(container.live);
    find_first_start(container.live, paths_.container(id));
  }
  if (container.live.alive() && !sys::open_identified(container.live.process).ok()) {
    container.live.status = Status::exited;
    read_exit(container.live);
  }
  return container;
}

/// From the exit journal; nothing is changed if the process has not been reaped yet.
void StateStore::read_exit(LiveState& live) const {
  Result<std::string> journal = sys::read_file(paths_.run + "/exits", kMaxStateFile);
  if (!journal) return;  // nobody has ended since the keeper started
  ExitRecord record;
  for (size_t at = 0; at + sizeof record <= journal->size(); at += sizeof record) {
    std::memcpy(&record, journal->data() + at, sizeof record);
    if (record.pid != live.process.pid || record.start_time != live.process.start_time) continue;
    live.exit_code = exit_code_of(record.status);
    live.finished_ns = record.time_ns;
  }
}

Result<Container> StateStore::read(const std::string& id) const {
  return read_container(id, sys::boot_id());
}

Observed StateStore::observe(std::vector<std::string>* problems) const {
  Observed observed;
  std::string boot = sys::boot_id();
  auto report = [&](const Error& error) {
    if (problems != nullptr) problems->push_back(error.message());
  };
  for (const std::string& id : sys::list_dir(paths_.containers()).value_or({})) {
    Result<Container> container = read_container(id, boot);
    // A directory without a record is a container whose creation has not got that far, or did not.
    if (container)
      observed.containers.push_back(std::move(container).value());
    else if (container.error().code != ENOENT)
      report(container.error());
  }
  for (const std::string& file : sys::list_dir(paths_.networks()).value_or({})) {
    if (is_temporary(file)) continue;
    Result<NetworkRecord> network = read_as<NetworkRecord>(paths_.networks() + "/" + file);
    if (network)
      observed.networks.push_back(std::move(network).value());
    else
      report(network.error());
  }
  observed.volumes = sys::list_dir(paths_.volumes()).value_or({});
  std::erase_if(observed.volumes, [](const std::string& name) { return name.front() == '.'; });
  std::sort(observed.containers.begin(), observed.containers.end(), [](const Container& a, const Container& b) {
    return std::tie(a.record.name, a.record.created_ns) < std::tie(b.record.name, b.record.created_ns);
  });
  return observed;
}

berth::Status StateStore::write(const ContainerRecord& record) const {
  BERTH_TRY_OK(sys::make_dirs(paths_.containers(), 0700));
  BERTH_TRY_OK(sys::make_dirs(paths_.container(record.id), 0711));
  return write_as(paths_.container(record.id) + "/config.json", record);
}

berth::Status StateStore::write(const std::string& id, const LiveState& live) const {
  if (!live.alive()) {
    // The outcome of a run is worth knowing after a reboot.
    BERTH_TRY_OK(write_as(paths_.container(id) + "/state.json", live));
  }
  BERTH_TRY_OK(sys::make_dirs(live_dir(id), 0700));
  return write_as(live_dir(id) + "/state.json", live);
}

berth::Status StateStore::write(const NetworkRecord& record) const {
  BERTH_TRY_OK(sys::make_dirs(paths_.networks(), 0700));
  return write_as(paths_.networks() + "/" + record.config.name + ".json", record);
}

berth::Status StateStore::remove_container(const std::string& id) const {
  BERTH_TRY_OK(sys::remove_tree(live_dir(id)));
  return sys::remove_tree(paths_.container(id));
}

berth::Status StateStore::remove_network(const std::string& name) const {
  return sys::remove_tree(paths_.networks() + "/" + name + ".json");
}

}  // namespace berth::engine
