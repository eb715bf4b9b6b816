#pragma once

#include <termios.h>

#include <cstdint>
#include <initializer_list>
#include <optional>

#include "base/result.h"
#include "sys/fd.h"
#include "sys/pidfd.h"

namespace berth::cli {

struct WindowSize {
  uint16_t rows = 0, columns = 0;
};
[[nodiscard]] WindowSize window_size(sys::FdRef terminal);

/// A terminal in raw mode for as long as this lives; restored whatever ends it.
class RawTerminal {
 public:
  [[nodiscard]] static std::optional<RawTerminal> enter(sys::FdRef terminal);
  RawTerminal(RawTerminal&& other) noexcept;
  RawTerminal& operator=(RawTerminal&&) = delete;
  ~RawTerminal();

 private:
  RawTerminal(sys::FdRef terminal, const termios& before) : terminal_(terminal), before_(before) {}
  sys::FdRef terminal_;
  termios before_;
};

/// A descriptor from which next_signal() takes signals that come from now on; they do not strike any more.
[[nodiscard]] sys::UniqueFd signals_as_fd(std::initializer_list<int> signals);
[[nodiscard]] std::optional<int> next_signal(sys::FdRef signals);

/// Gives a container's terminal the size of ours, if standard input is one.
void pass_window_size(sys::FdRef master);

/// Carries bytes between our terminal and a process's until the process ends; follows changes of the window's size.
/// An invalid handle stands for a process that has ended already: only what it has written is left.
void attach_terminal(sys::FdRef master, const sys::Pidfd& process);

/// Waits for a process that has our own stdio, passing SIGINT, SIGTERM, SIGHUP and SIGQUIT on to it.
void pass_signals_until_exit(const sys::Pidfd& process);

/// The exit code of our child, as a shell would have it: its own, or 128 and the signal. Waits for its end.
[[nodiscard]] int reap(const sys::Pidfd& child);

}  // namespace berth::cli
