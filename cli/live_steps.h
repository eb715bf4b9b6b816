#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "cli/screen.h"

namespace berth::cli {

/// A line for each thing that a plan is about, changing in place on the terminal stderr: what is done with it, and how
/// long that has taken.
class LiveSteps {
 public:
  explicit LiveSteps(bool colour);
  LiveSteps(const LiveSteps&) = delete;
  LiveSteps& operator=(const LiveSteps&) = delete;
  ~LiveSteps() { finish(); }

  enum class State { working, done, failed };
  /// `id`: "Container shop-web-1".
  void set(const std::string& id, const std::string& status, State state);
  /// Draws anew what moves by itself; to be called every kTick while is_working().
  void tick();
  static constexpr std::chrono::milliseconds kTick{100};
  [[nodiscard]] bool is_working() const;
  /// Lets others write above the lines.
  void aside(const std::function<void()>& write);
  /// All lines stay as they are, and what comes next begins below.
  void finish();

 private:
  using Clock = std::chrono::steady_clock;
  struct Thing {
    std::string id, status;
    State state = State::working;
    Clock::time_point begun, changed;
  };
  [[nodiscard]] std::vector<Screen::Line> lines() const;

  bool colour_;
  Screen screen_;
  std::vector<Thing> things_;  // as they have come up
  Clock::time_point begun_;
};

}  // namespace berth::cli
