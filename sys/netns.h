#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "sys/fd.h"

namespace berth::sys {

/// A network namespace by handle. It lives as long as a process, a mount or such a handle keeps it.
class Netns {
 public:
  Netns() = default;
  explicit Netns(UniqueFd fd) : fd_(std::move(fd)) {}

  /// A new, empty namespace (loopback down) that nothing but the handle keeps.
  [[nodiscard]] static Result<Netns> create();
  /// The namespace of the calling thread.
  [[nodiscard]] static Result<Netns> current();
  /// The namespace that `path` names: /proc/PID/ns/net or a bind mount of it.
  [[nodiscard]] static Result<Netns> open(const std::string& path);

  [[nodiscard]] FdRef fd() const { return fd_.ref(); }
  [[nodiscard]] bool valid() const { return fd_.valid(); }
  [[nodiscard]] UniqueFd take_fd() && { return std::move(fd_); }

  /// Runs `work` inside this namespace on a short-lived thread and waits for it. No thread that lives on ever changes
  /// its namespace; sockets that `work` opens stay in this one and may be used anywhere.
  [[nodiscard]] Status run(const std::function<Status()>& work) const;

 private:
  UniqueFd fd_;
};

}  // namespace berth::sys
