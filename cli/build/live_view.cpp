#include <fmt/core.h>

#include <algorithm>
#include <vector>

#include "base/text.h"
#include "cli/build/step_view.h"
#include "cli/screen.h"

namespace berth::cli {
namespace {

using builder::StepEnd;

constexpr size_t kMostLines = 6;  // of one step's output

/// The last `most` lines of what the step has written, the unfinished one too.
std::vector<std::string> last_lines(const Step& step, size_t most) {
  std::vector<std::string> lines;
  if (std::string line = shown_line(step.rest); !line.empty()) lines.push_back(std::move(line));
  if (!step.note.empty()) lines.push_back(step.note);
  std::string_view tail = step.tail;
  while (lines.size() < most && !tail.empty()) {
    tail.remove_suffix(1);                // the line's end
    size_t begin = tail.rfind('\n') + 1;  // npos + 1 = 0
    lines.emplace_back(tail.substr(begin));
    tail = tail.substr(0, begin);
  }
  lines.resize(std::min(lines.size(), most));
  std::reverse(lines.begin(), lines.end());
  return lines;
}

class LiveView : public StepView {
 public:
  LiveView(int fd, bool colour) : screen_(fd), colour_(colour) {}

  void begun(const Step& step) override {
    if (steps_.empty()) begun_ = step.begun;
    steps_.push_back(&step);
  }
  void tick() override {
    if (!steps_.empty()) screen_.draw(lines(false));
  }
  void finish() override {
    if (!steps_.empty()) screen_.finish(lines(true));
    steps_.clear();
  }

 private:
  [[nodiscard]] const char* tint(const char* colour) const { return colour_ ? colour : ""; }

  [[nodiscard]] Screen::Line header(bool all, size_t running) const {
    std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun_;
    return {fmt::format("[+] Building {:.1f}s ({}/{}){}", took.count(), steps_.size() - running, steps_.size(),
                        all && running == 0 ? " FINISHED" : ""),
            "", "", false};
  }

  [[nodiscard]] Screen::Line line_of(const Step& step) const {
    if (!step.end) return {" => " + step.name, step.seconds(), "", false};
    switch (*step.end) {
      case StepEnd::cached:
        return {" => CACHED " + step.name, step.seconds(), tint("\033[34m"), true};
      case StepEnd::cancelled:
        return {" => CANCELED " + step.name, step.seconds(), tint("\033[33m"), false};
      case StepEnd::failed:
        return {" => ERROR " + step.name, step.seconds(), tint("\033[31m"), false};
      case StepEnd::done:
        break;
    }
    return {" => " + step.name, step.seconds(), tint("\033[34m"), true};
  }

  /// The output of those that run shares what the steps leave of the window; of finished ones nothing is shown.
  [[nodiscard]] std::vector<Screen::Line> lines(bool all) const {
    auto running =
        static_cast<size_t>(std::count_if(steps_.begin(), steps_.end(), [](auto* one) { return !one->end; }));
    std::vector<Screen::Line> lines = {header(all, running)};
    size_t taken = running + 2, room = screen_.rows();  // the header, and where the cursor stands
    size_t each = all || running == 0 ? 0
                  : room == 0         ? kMostLines
                  : room > taken      ? std::min((room - taken) / running, kMostLines)
                                      : 0;
    for (const Step* step : steps_) {
      lines.push_back(line_of(*step));
      if (step->end) continue;
      for (const std::string& text : last_lines(*step, each))
        lines.push_back({" => => " + text, "", tint("\033[2m"), false});
    }
    return lines;
  }

  Screen screen_;
  bool colour_;
  std::vector<const Step*> steps_;
  std::chrono::steady_clock::time_point begun_;
};

}  // namespace

std::unique_ptr<StepView> make_live_view(int fd, bool colour) {
  return std::make_unique<LiveView>(fd, colour);
}

}  // namespace berth::cli
