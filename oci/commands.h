#pragma once

#include <string>

#include "base/result.h"
#include "oci/arguments.h"
#include "oci/log.h"
#include "oci/state.h"

namespace berth::runtime {
struct Running;
}

namespace berth::oci {

/// What all commands share.
struct Context {
  std::string root;
  std::string command;
  Log log;

  /// Beside the containers, under a name that none can have.
  [[nodiscard]] std::string seccomp_cache() const { return root + "/@seccomp"; }
};

// One command each: the exit code, or the error that main() reports.

[[nodiscard]] Result<int> create(const Context& context, const Arguments& arguments);
[[nodiscard]] Result<int> run(const Context& context, const Arguments& arguments);
[[nodiscard]] Result<int> start(const Context& context, const Arguments& arguments);
[[nodiscard]] Result<int> exec(const Context& context, const Arguments& arguments);
[[nodiscard]] Result<int> state(const Context& context, const Arguments& arguments);
[[nodiscard]] Result<int> kill(const Context& context, const Arguments& arguments);
[[nodiscard]] Result<int> delete_container(const Context& context, const Arguments& arguments);
[[nodiscard]] Result<int> list(const Context& context, const Arguments& arguments);
[[nodiscard]] Result<int> ps(const Context& context, const Arguments& arguments);
[[nodiscard]] Result<int> pause(const Context& context, const Arguments& arguments);
[[nodiscard]] Result<int> resume(const Context& context, const Arguments& arguments);
[[nodiscard]] Result<int> update(const Context& context, const Arguments& arguments);
[[nodiscard]] Result<int> features(const Context& context, const Arguments& arguments);
[[nodiscard]] Result<int> spec(const Context& context, const Arguments& arguments);

// Parts that several of them use.

/// The one operand. Error: none, or more.
[[nodiscard]] Result<std::string> only_operand(const Arguments& arguments);

/// A container that is on record, and what the kernel says about it.
struct Found {
  StateDir dir;
  Record record;
  runtime::CgroupMounts mounts;
  Phase phase;

  [[nodiscard]] Result<runtime::Cgroup> cgroup() const;
};
/// Error: there is none of that name.
[[nodiscard]] Result<Found> find(const Context& context, const std::string& id);

/// Ends all that runs in it, removes its control groups and its state, and runs the poststop hooks. A hook that fails
/// is a warning. Ok for what a crash has left.
[[nodiscard]] Status destroy(const Context& context, const Found& container);

/// Hands the terminal's master over a console socket. Error: nobody listens there.
[[nodiscard]] Status send_console(const std::string& socket, sys::FdRef master);
/// Number of --preserve-fds, every one of which is open.
[[nodiscard]] Result<unsigned> preserved(const Arguments& arguments);
/// Where a process has its terminal, for create, run and exec alike.
struct ConsoleChoice {
  std::string socket;  // "" = none
  bool ours = false;   // we carry its bytes
};
[[nodiscard]] Result<ConsoleChoice> choose_console(const Arguments& arguments, bool terminal, bool detached);
/// Waits for a child that has our stdio, or the terminal of `master`; its exit code.
[[nodiscard]] int wait_in_foreground(const runtime::Running& running);

}  // namespace berth::oci
