#pragma once

#include <termios.h>

#include <cstdint>
#include <initializer_list>
#include <optional>

#include "base/result.h"
#include "sys/fd.h"
#include "sys/pidfd.h"

namespace berth::sys {

struct WindowSize {
  uint16_t rows = 0, columns = 0;
};
[[nodiscard]] WindowSize window_size(FdRef terminal);

/// A terminal in another mode for as long as this lives.
class RawTerminal {
 public:
  /// Every byte as it is typed, and shown as it is written.
  [[nodiscard]] static std::optional<RawTerminal> enter(FdRef terminal);
  /// Keys as they are pressed, unseen; Ctrl-C is still a signal, and output is as before.
  [[nodiscard]] static std::optional<RawTerminal> enter_keys(FdRef terminal);
  RawTerminal(RawTerminal&& other) noexcept;
  RawTerminal& operator=(RawTerminal&&) = delete;
  ~RawTerminal();

 private:
  RawTerminal(FdRef terminal, const termios& before) : terminal_(terminal), before_(before) {}
  [[nodiscard]] static std::optional<RawTerminal> change(FdRef terminal, void (*to)(termios&));
  FdRef terminal_;
  termios before_;
};

/// A descriptor from which next_signal() takes signals that come from now on; they do not strike any more.
[[nodiscard]] UniqueFd signals_as_fd(std::initializer_list<int> signals);
[[nodiscard]] std::optional<int> next_signal(FdRef signals);

/// Gives a container's terminal the size of ours, if standard input is one.
void pass_window_size(FdRef master);

/// Carries bytes between our terminal and a process's until the process ends; follows changes of the window's size.
/// An invalid handle stands for a process that has ended already: only what it has written is left.
void attach_terminal(FdRef master, const Pidfd& process);

/// Waits for a process that has our own stdio, passing SIGINT, SIGTERM, SIGHUP and SIGQUIT on to it.
void pass_signals_until_exit(const Pidfd& process);

/// The exit code of our child, as a shell would have it: its own, or 128 and the signal. Waits for its end.
[[nodiscard]] int reap(const Pidfd& child);

}  // namespace berth::sys
