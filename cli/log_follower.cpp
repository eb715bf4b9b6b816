#include "cli/log_follower.h"

#include <fmt/core.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>

#include "engine/record.h"
#include "sys/file.h"

namespace berth::cli {

std::string log_name(const engine::ContainerRecord& record) {
  std::string name = record.name;
  // One that takes another's place has that one's id before its name until it does.
  if (engine::has_temporary_name(record)) name.erase(0, name.find('_') + 1);
  std::string prefix = record.project + "-";
  return name.starts_with(prefix) ? name.substr(prefix.size()) : name;
}

LogFollower::LogFollower(engine::StateStore store, engine::Selection selection, LogPrinter& printer, int64_t since_ns,
                         bool remark_exits)
    : store_(std::move(store)),
      selection_(std::move(selection)),
      printer_(printer),
      since_ns_(since_ns),
      remark_exits_(remark_exits),
      notify_(inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
  // The directories may not be there yet; a watch needs them.
  (void)sys::make_dirs(store_.paths().containers(), 0700);
  (void)sys::make_dirs(store_.paths().live(), 0700);
  watch(store_.paths().containers(), IN_CREATE);
}

void LogFollower::watch(const std::string& path, uint32_t mask) {
  // A directory that has gone has nothing more to tell.
  (void)inotify_add_watch(notify_.get(), path.c_str(), mask);
}

void LogFollower::scan() {
  for (const std::string& id : sys::list_dir(store_.paths().containers()).value_or({})) {
    if (followed_.contains(id) || strangers_.contains(id)) continue;
    // Watched before it is read: what comes after the reading is told.
    watch(store_.paths().container(id), IN_CREATE | IN_MOVED_TO | IN_MODIFY);
    Result<engine::Container> container = store_.read(id);
    if (!container) continue;  // its record is not written yet
    const engine::ContainerRecord& record = container->record;
    bool mine = record.project == selection_.project && (!record.one_off || selection_.include_one_off) &&
                (selection_.services.empty() || selection_.services.contains(record.service));
    if (!mine) {
      strangers_.insert(id);
      continue;
    }
    (void)sys::make_dirs(store_.live_dir(id), 0700);
    watch(store_.live_dir(id), IN_MOVED_TO);
    Followed followed;
    followed.name = log_name(record);
    followed.muted = muted_.contains(record.service);
    followed.container = std::move(container).value();
    if (!followed.muted) printer_.add_source(followed.name);
    followed_.emplace(id, std::move(followed));
  }
}

void LogFollower::read_log(Followed& followed) {
  if (followed.muted) return;
  const std::string& id = followed.container.record.id;
  if (!followed.reader) {
    Result<engine::LogReader> reader = engine::LogReader::open(store_.log_path(id));
    if (!reader) return;
    followed.reader = std::move(reader).value();
    if (tail_) followed.reader->seek_tail(*tail_);
  }
  while (std::optional<engine::LogEntry> entry = followed.reader->next()) {
    if (entry->time_ns >= since_ns_) printer_.print(followed.name, *entry);
  }
}

void LogFollower::read_state(Followed& followed) {
  Result<engine::Container> now = store_.read(followed.container.record.id);
  if (!now) return;  // removed: what it was at last counts
  followed.container.live = std::move(now->live);
  const engine::LiveState& live = followed.container.live;
  // By the time of the end, not by having seen it run: a run may be over before the first look.
  bool ended =
      !live.alive() && !live.ending() && live.finished_ns >= since_ns_ && live.finished_ns != followed.ended_ns;
  if (ended) {
    followed.ended_ns = live.finished_ns;
    read_log(followed);  // its last words come first
    printer_.flush(followed.name);
    ended_.push_back({followed.container.record.service, live.exit_code});
    if (remark_exits_ && !followed.muted) {
      std::string text = fmt::format("exited with code {}", live.exit_code);
      if (live.status == engine::Status::restarting) text += " (restarting)";
      printer_.remark(followed.name, text);
    }
  }
}

void LogFollower::pump() {
  alignas(inotify_event) char events[4096];
  while (read(notify_.get(), events, sizeof events) > 0) continue;  // only that there are some matters
  scan();
  for (auto& [id, followed] : followed_) {
    read_log(followed);
    read_state(followed);
  }
  fflush(stdout);
}

bool LogFollower::all_ended() const {
  return !followed_.empty() && std::none_of(followed_.begin(), followed_.end(), [](const auto& entry) {
    const engine::LiveState& live = entry.second.container.live;
    return live.alive() || live.ending() || live.status == engine::Status::restarting;
  });
}

}  // namespace berth::cli
