#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "cli/log_merge.h"
#include "cli/log_printer.h"
#include "engine/plan_down.h"
#include "engine/state.h"
#include "sys/fd.h"

namespace berth::cli {

/// Follows the logs of a project's containers as files, without the supervisor: new containers, restarts and ends are
/// seen through inotify.
class LogFollower {
 public:
  /// Prints entries of that period, and tells of containers that end from now on.
  LogFollower(engine::StateStore store, engine::Selection selection, LogPrinter& printer, LogPeriod period);

  /// Containers of services in here are followed, but not printed (`attach: false`).
  void mute(std::set<std::string> services) { muted_ = std::move(services); }
  /// Only the containers of this number.
  void only(int64_t number) { number_ = number; }
  /// Only the last so many lines of what is there already.
  void tail(size_t lines) { tail_ = lines; }

  /// Readable when there may be something new; then call pump().
  [[nodiscard]] sys::FdRef fd() const { return notify_.ref(); }
  void pump();

  /// True once containers have been seen and none of them runs or is going to.
  [[nodiscard]] bool all_ended() const { return any_ && none_runs(); }
  /// Also where there has been none.
  [[nodiscard]] bool none_runs() const;
  /// Containers that have ended since the start, the first one first; not those that run again, or another in their
  /// place.
  struct Ended {
    std::string service;
    int64_t number = 0, exit_code = 0;
  };
  [[nodiscard]] const std::vector<Ended>& ended() const { return ended_; }

 private:
  struct Followed {
    engine::Container container;
    LogPrinter::Source* source = nullptr;  // none: muted
    LogMerge::Input* log = nullptr;        // none: not written yet
    int64_t ended_ns = 0;                  // the end that has been told
    bool removed = false;
  };
  [[nodiscard]] bool take_notices();
  void scan();
  void watch(const std::string& path, uint32_t mask);
  [[nodiscard]] bool is_mine(const engine::ContainerRecord& record) const;
  void open_log(Followed& followed);
  void read_state(Followed& followed);
  void tell_end(Followed& followed);
  /// What new states say. Requires: what was written before has been shown.
  void tell_ends();
  [[nodiscard]] bool runs_again(const Ended& ended) const;

  engine::StateStore store_;
  engine::Selection selection_;
  LogPrinter& printer_;
  LogMerge merge_;
  int64_t begun_ns_;
  int64_t number_ = 0;  // 0 = all
  std::optional<size_t> tail_;
  std::set<std::string> muted_;
  sys::UniqueFd notify_;
  std::map<std::string, Followed> followed_;  // by id
  std::set<std::string> strangers_;           // ids of other projects
  bool any_ = false;                          // containers have been seen
  std::vector<Ended> ended_;
};

/// "web-1": the container's name without its project.
[[nodiscard]] std::string log_name(const engine::ContainerRecord& record);

}  // namespace berth::cli
