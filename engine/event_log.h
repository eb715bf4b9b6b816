#pragma once

// What has happened to containers, a line of JSON each, below $BERTH_RUN: the supervisor writes, `berth events` reads.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/state.h"
#include "sys/fd.h"

namespace berth::engine {

/// One happening, in Docker's words: create, start, die, stop, kill, oom, pause, unpause, restart, destroy,
/// "health_status: healthy", exec_create, exec_start, exec_die.
struct Event {
  int64_t time_ns = 0;  // wall clock
  std::string action;
  std::string id;  // of the container
  std::string project, service;
  bool one_off = false;
  StringMap attributes;  // image, name, the container's own labels, and what the action has to tell: exitCode, signal

  bool operator==(const Event&) const = default;
};

/// The event `action` of a container, at this moment.
[[nodiscard]] Event event_of(const ContainerRecord& container, std::string action, StringMap more = {});

/// Where events are added. A line is written at once, so that several processes may add theirs.
class EventLog {
 public:
  explicit EventLog(const sys::Paths& paths) : path_(path(paths)) {}

  /// A file that cannot be written (disk full) loses the event, nothing else. When the file has grown large it becomes
  /// the old one, in the place of the one before.
  void add(const Event& event) const;

  [[nodiscard]] static std::string path(const sys::Paths& paths) { return paths.run + "/events"; }
  [[nodiscard]] static std::string old_path(const sys::Paths& paths) { return path(paths) + ".old"; }

 private:
  std::string path_;
};

/// Reads events in the order in which they were written, and goes on where it stopped when there are more.
class EventReader {
 public:
  /// At the oldest event there is. None is no error.
  explicit EventReader(sys::Paths paths);

  /// Leaves out all but the last `bytes`.
  void skip_to_tail(int64_t bytes);

  /// The next event, or nothing at the present end. What is no event is skipped; one that was written twice, because
  /// its writer was killed and did it again, comes once.
  [[nodiscard]] std::optional<Event> next();

 private:
  [[nodiscard]] std::optional<std::string> line();
  [[nodiscard]] bool fill();

  sys::Paths paths_;
  sys::UniqueFd file_;
  std::string buffer_;
  std::vector<Event> recent_;  // of the last moments, newest last
};

/// What a supervisor that was killed has not written down: `logged` is the end of what is there, `now` the containers
/// as they are.
[[nodiscard]] std::vector<Event> missing_events(const std::vector<Event>& logged, const std::vector<Container>& now);

}  // namespace berth::engine
