#pragma once

#include <memory>
#include <optional>

#include "runtime/cgroup.h"
#include "runtime/clone.h"
#include "runtime/launch.h"
#include "runtime/prepare.h"

namespace berth::runtime {

/// Memory shared between parent and child: one flag.
class SharedFlag {
 public:
  [[nodiscard]] static Result<SharedFlag> create();
  SharedFlag(SharedFlag&& other) noexcept : page_(std::exchange(other.page_, nullptr)) {}
  SharedFlag& operator=(SharedFlag&&) noexcept = delete;
  ~SharedFlag();
  [[nodiscard]] volatile uint32_t* get() const { return page_; }

 private:
  explicit SharedFlag(uint32_t* page) : page_(page) {}
  uint32_t* page_;
};

struct Launch::State {
  State(std::unique_ptr<Prepared> prepared_plan, SharedFlag flag)
      : prepared(std::move(prepared_plan)), reached_exec(std::move(flag)) {}

  std::unique_ptr<Prepared> prepared;  // for the words of an error
  SharedFlag reached_exec;
  sys::UniqueFd error_pipe;
  sys::UniqueFd console;   // socket on which the terminal's master arrives
  sys::UniqueFd meetings;  // socket on which the child says where it waits; -1 if it never does
  std::function<Status(Meeting, pid_t)> on_meeting;
  std::string uid_map, gid_map;  // as /proc/PID/uid_map takes them
  Child child;
  sys::ProcessIdentity identity;
  bool reaped_by_parent = false;
  std::optional<Cgroup> cgroup;  // a container's, to be removed if the start fails; none for exec
  int exit_code = 0;
  bool finished = false;

  /// Meets the child wherever it waits, until it waits no more.
  [[nodiscard]] Status attend();
  /// The second clone is the container from now on.
  [[nodiscard]] Status follow(sys::UniqueFd pidfd);

  /// Kills and reaps it, if it still is.
  void end_child();
  /// Kills and reaps the child and removes the cgroup.
  void roll_back();
};

/// Pipes, sockets and the clone, for container and exec alike. Takes the plan.
[[nodiscard]] Result<std::unique_ptr<Launch::State>> launch(std::unique_ptr<Prepared> prepared,
                                                            const CloneOptions& options);

}  // namespace berth::runtime
