#include "cli/menu.h"

#include <cerrno>

namespace berth::cli {
namespace {

constexpr const char* kFaint = "\033[2m";

bool is_ours() {
  return tcgetpgrp(STDIN_FILENO) == getpgrp();
}

}  // namespace

std::optional<Menu> Menu::open() {
  if (isatty(STDIN_FILENO) != 1 || isatty(STDOUT_FILENO) != 1 || !is_ours()) return std::nullopt;
  sigset_t mask;
  sigprocmask(SIG_SETMASK, nullptr, &mask);
  Menu menu(sys::signals_as_fd({SIGWINCH, SIGTSTP, SIGCONT, SIGHUP, SIGQUIT}), mask);
  menu.take_keys();
  return menu;
}

Menu::~Menu() {
  if (!signals_.valid()) return;
  hide();
  mode_.reset();
  sigprocmask(SIG_SETMASK, &mask_, nullptr);
}

/// Unless another job has the terminal.
void Menu::take_keys() {
  if (ended_ || !is_ours()) return;
  if (auto mode = sys::RawTerminal::enter_keys(sys::FdRef(STDIN_FILENO))) mode_.emplace(std::move(*mode));
}

char Menu::key() {
  char key = 0;
  const ssize_t size = read(STDIN_FILENO, &key, 1);
  if (size == 1) return key;
  if (size < 0 && (errno == EINTR || errno == EAGAIN)) return 0;
  ended_ = true;
  mode_.reset();
  return 0;
}

/// The signal does what it would have done without us.
void Menu::strike(int signal) {
  hide();
  mode_.reset();
  raise(signal == SIGTSTP ? SIGSTOP : signal);  // one that is blocked waits
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, signal);
  if (signal != SIGTSTP) sigprocmask(SIG_UNBLOCK, &one, nullptr);
}

void Menu::on_signals() {
  while (std::optional<int> signal = sys::next_signal(signals_.ref())) {
    if (*signal != SIGWINCH && *signal != SIGCONT) strike(*signal);
    if (*signal != SIGWINCH && !mode_) take_keys();
  }
}

void Menu::show(const std::string& line) {
  if (!mode_) return;
  screen_.draw({{line, "", kFaint, false}});
  shown_ = true;
}

void Menu::hide() {
  if (shown_) screen_.draw({});
  shown_ = false;
}

}  // namespace berth::cli
