#pragma once

#include <signal.h>
#include <unistd.h>

#include <optional>
#include <string>

#include "cli/screen.h"
#include "sys/fd.h"
#include "sys/terminal.h"

namespace berth::cli {

/// Keys that work while logs are shown, and a line below these that says which. The terminal is as before when this
/// goes, while the job is stopped (Ctrl-Z), and when SIGHUP or SIGQUIT end the program.
class Menu {
 public:
  /// Nothing where standard input and output are no terminal, or one that another job has.
  [[nodiscard]] static std::optional<Menu> open();
  Menu(Menu&&) = default;
  Menu& operator=(Menu&&) = delete;
  ~Menu();

  /// Readable when a key has been pressed.
  [[nodiscard]] sys::FdRef keys() const { return sys::FdRef(mode_ ? STDIN_FILENO : -1); }
  /// The key; 0 if there is none. Nobody presses keys any more once standard input has ended.
  [[nodiscard]] char key();

  /// Readable when the window or the job has changed; then on_signals().
  [[nodiscard]] sys::FdRef signals() const { return signals_.ref(); }
  void on_signals();

  /// Shows the line, or as much of it as the window has room for.
  void show(const std::string& line);
  /// Before anything else is written.
  void hide();

 private:
  Menu(sys::UniqueFd signals, const sigset_t& mask) : signals_(std::move(signals)), mask_(mask) {}
  void take_keys();
  void strike(int signal);

  sys::UniqueFd signals_;
  sigset_t mask_;  // as it was before
  std::optional<sys::RawTerminal> mode_;
  Screen screen_{STDOUT_FILENO};
  bool shown_ = false;
  bool ended_ = false;  // standard input
};

}  // namespace berth::cli
