#include "cli/log_follower.h"

#include <fmt/core.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "base/clock.h"
#include "engine/record.h"
#include "engine/selection.h"
#include "sys/file.h"

namespace berth::cli {

std::string log_name(const engine::ContainerRecord& record) {
  std::string name = record.name;
  // One that takes another's place has that one's id before its name until it does.
  if (engine::has_temporary_name(record)) name.erase(0, name.find('_') + 1);
  const size_t prefix = record.project.size();
  bool prefixed = name.starts_with(record.project) && (name[prefix] == '-' || name[prefix] == '_');
  return prefixed ? name.substr(prefix + 1) : name;
}

LogFollower::LogFollower(engine::StateStore store, engine::Selection selection, LogPrinter& printer, LogPeriod period)
    : store_(std::move(store)),
      selection_(std::move(selection)),
      printer_(printer),
      merge_(printer, period),
      begun_ns_(wall_clock_ns()),
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

bool LogFollower::is_mine(const engine::ContainerRecord& record) const {
  return engine::contains(selection_, record) && (number_ == 0 || record.number == number_);
}

void LogFollower::scan() {
  for (const std::string& id : sys::list_dir(store_.paths().containers()).value_or({})) {
    if (followed_.contains(id) || strangers_.contains(id)) continue;
    // Watched before it is read: what comes after the reading is told.
    watch(store_.paths().container(id), IN_CREATE | IN_MOVED_TO | IN_MODIFY | IN_DELETE_SELF);
    Result<engine::Container> container = store_.read(id);
    if (!container) continue;  // its record is not written yet
    const engine::ContainerRecord& record = container->record;
    if (!is_mine(record)) {
      strangers_.insert(id);
      continue;
    }
    (void)sys::make_dirs(store_.live_dir(id), 0700);
    watch(store_.live_dir(id), IN_MOVED_TO);
    Followed followed;
    if (!muted_.contains(record.service)) followed.source = &printer_.add_source(log_name(record));
    followed.container = std::move(container).value();
    followed_.emplace(id, std::move(followed));
    any_ = true;
  }
}

void LogFollower::open_log(Followed& followed) {
  if (followed.source == nullptr || followed.log != nullptr) return;
  Result<engine::LogReader> reader = engine::LogReader::open(store_.log_path(followed.container.record.id));
  if (!reader) return;
  if (tail_) reader->seek_tail(*tail_);
  followed.log = &merge_.add(*followed.source, std::move(reader).value());
}

void LogFollower::read_state(Followed& followed) {
  Result<engine::Container> now = store_.read(followed.container.record.id);
  followed.removed = !now && now.error().code == ENOENT;
  if (now) followed.container.live = std::move(now->live);  // else what it was at last counts
}

void LogFollower::tell_end(Followed& followed) {
  const engine::LiveState& live = followed.container.live;
  // By the time of the end, not by having seen it run: a run may be over before the first look.
  if (live.alive() || live.ending() || live.finished_ns < begun_ns_ || live.finished_ns == followed.ended_ns) return;
  followed.ended_ns = live.finished_ns;
  if (live.status != engine::Status::restarting)
    ended_.push_back({followed.container.record.service, followed.container.record.number, live.exit_code});
  if (followed.source == nullptr) return;
  std::string text = fmt::format("exited with code {}", live.exit_code);
  if (live.status == engine::Status::restarting) text += " (restarting)";
  printer_.remark(*followed.source, text);
}

bool LogFollower::runs_again(const Ended& ended) const {
  return std::any_of(followed_.begin(), followed_.end(), [&](const auto& entry) {
    const auto& [record, live] = entry.second.container;
    return live.alive() && record.service == ended.service && record.number == ended.number;
  });
}

/// True unless all that has happened is that logs have grown: then nothing but these need be read.
bool LogFollower::take_notices() {
  alignas(inotify_event) char events[4096];
  bool any = false, other = false;
  for (ssize_t n = 0; (n = read(notify_.get(), events, sizeof events)) > 0;) {
    for (ssize_t at = 0; at < n;) {
      inotify_event event;
      std::memcpy(&event, events + at, sizeof event);
      any = true;
      other = other || (event.mask & IN_MODIFY) == 0;
      at += static_cast<ssize_t>(sizeof event + event.len);
    }
  }
  return other || !any;
}

void LogFollower::pump() {
  const bool looks = take_notices();
  if (looks) {
    scan();
    // States first: what a container wrote is in its log before its end is in its state.
    for (auto& [id, followed] : followed_) {
      read_state(followed);
      open_log(followed);
    }
    tail_.reset();  // what begins later is shown from its beginning
  }
  merge_.pump();
  merge_.tell_open_gaps();
  if (looks) tell_ends();
  fflush(stdout);
}

void LogFollower::tell_ends() {
  for (auto& [id, followed] : followed_) tell_end(followed);
  std::erase_if(ended_, [&](const Ended& one) { return runs_again(one); });
  std::erase_if(followed_, [&](const auto& entry) {
    const Followed& followed = entry.second;
    if (followed.removed && followed.log != nullptr) merge_.remove(*followed.log);
    return followed.removed;
  });
}

bool LogFollower::none_runs() const {
  return std::none_of(followed_.begin(), followed_.end(), [](const auto& entry) {
    const engine::LiveState& live = entry.second.container.live;
    return live.alive() || live.ending() || live.status == engine::Status::restarting;
  });
}

}  // namespace berth::cli
