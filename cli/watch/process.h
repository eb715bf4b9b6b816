#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/context.h"
#include "compose/model.h"
#include "sys/fd.h"
#include "sys/pidfd.h"

namespace berth::cli {

/// `berth watch --no-up` beside this program, which goes on with other things meanwhile. It ends with this object and
/// with this program.
class WatchProcess {
 public:
  /// A line that it has said.
  using TakeLine = std::function<void(const std::string& line)>;

  /// Error: a project of which a file is standard input, which nobody can read twice.
  [[nodiscard]] static Result<WatchProcess> start(const Context& context, const compose::Project& project,
                                                  const std::vector<std::string>& services, TakeLine take);
  WatchProcess(WatchProcess&&) = default;
  WatchProcess& operator=(WatchProcess&&) = delete;
  /// Ends it, and takes what it has to say until then.
  ~WatchProcess();

  /// Readable when there is something to pump().
  [[nodiscard]] sys::FdRef fd() const { return output_.ref(); }
  /// Takes what it says. False once it has ended by itself.
  [[nodiscard]] bool pump();

 private:
  WatchProcess(sys::Pidfd process, sys::UniqueFd output, TakeLine take)
      : process_(std::move(process)), output_(std::move(output)), take_(std::move(take)) {}

  sys::Pidfd process_;
  sys::UniqueFd output_;
  TakeLine take_;
  std::string open_line_;
};

}  // namespace berth::cli
