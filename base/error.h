#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace berth {

/// What failed, on what, why, and what to do about it.
///
/// `what` names the attempt and its object ("mount proc on /proc"); `code` is the errno behind it or 0.
/// Callers that know more add a context ("start web-1"); a hint is given only where the cure is known.
struct Error {
  std::string what;
  int code = 0;
  std::string hint;
  std::vector<std::string> context;  // innermost first

  /// "start web-1: mount proc on /proc: Operation not permitted (EPERM)", without the hint.
  [[nodiscard]] std::string message() const;

  /// message(), and the hint on a line of its own if there is one.
  [[nodiscard]] std::string full() const;
};

/// "EPERM" for 1; "errno 4711" for a number without a name.
[[nodiscard]] std::string errno_name(int code);

/// An error of a system call: `what` is the call and its object.
[[nodiscard]] Error sys_error(std::string what, int code);

/// An error that no errno explains.
[[nodiscard]] Error make_error(std::string what, std::string hint = {});

}  // namespace berth
