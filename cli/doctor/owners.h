#pragma once

#include <string>

#include "cli/doctor/thing.h"
#include "engine/state.h"

namespace berth::cli::doctor {

/// What is on record, and who looks after it. A record is written before what it names is made, and removed after that
/// has gone, so what no record names is nobody's.
class Owners {
 public:
  [[nodiscard]] static Owners read(const sys::Paths& paths);

  /// Of something that a container has while it runs. Where a supervisor lives, a container that does not run may be
  /// about to.
  void judge_running(Thing& thing, const std::string& id) const;
  /// Of a step of a build.
  void judge_build(Thing& thing) const;
  /// Of something that a container has as long as it exists.
  void judge_existing(Thing& thing, const std::string& id) const;
  /// Of what keeper and supervisor make for themselves.
  void judge_helpers(Thing& thing) const;
  /// Of what is there as long as there is a network.
  void judge_networks(Thing& thing) const;

  [[nodiscard]] const engine::Container* container(const std::string& id) const;
  /// The container that has this interface of the host, or nothing.
  [[nodiscard]] const engine::Container* container_on(const std::string& host_interface) const;
  [[nodiscard]] const engine::NetworkRecord* network_with(const std::string& interface) const;
  /// Whether a container that runs mounts the volume.
  [[nodiscard]] bool in_use(const std::string& volume) const;

  [[nodiscard]] const engine::Observed& observed() const { return observed_; }
  [[nodiscard]] const sys::Paths& paths() const { return paths_; }
  /// A keeper lives.
  [[nodiscard]] bool attended() const { return attended_; }

 private:
  [[nodiscard]] bool judge_unknown(Thing& thing, const std::string& id) const;

  sys::Paths paths_;
  engine::Observed observed_;
  bool attended_ = false;
  bool building_ = false;
};

}  // namespace berth::cli::doctor
