#include "cli/up_attached.h"

#include <fmt/core.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "base/clock.h"
#include "base/text.h"
#include "cli/log_follower.h"
#include "cli/menu.h"
#include "cli/project.h"
#include "cli/provider/providers.h"
#include "cli/request.h"
#include "cli/settled.h"
#include "cli/watch/process.h"
#include "cli/watch/rules.h"

namespace berth::cli {
namespace {

/// Attached: logs until everything has ended, or a signal: the first one stops, the second one kills.
class Attached {
 public:
  Attached(const Context& context, const compose::Project& project, const engine::UpRequest& request,
           const AttachedOptions& options)
      : context_(context),
        project_(project),
        request_(request),
        options_(options),
        printer_(style()),
        follower_(make_follower()) {}

  int run() {
    Watch logs{follower_.fd(), [this] { follower_.pump(); }};
    Outcome up = carry_out(context_, engine::to_message(request_), signals_, logs);
    if (options_.when_up) options_.when_up();
    follower_.pump();
    if (!up.ok) return up.exit_code();
    if (up.cancelled) return stop_everything(130);  // too late to cancel: all had been started by then
    fmt::print(stderr, "Attaching to {}\n", names());
    if (options_.watch) start_watch();
    if (options_.menu) open_menu();
    const End end = follow();
    menu_.reset();
    watch_.reset();
    if (end == End::signalled) return stop_everything(130);
    if (end == End::detached) return 0;
    if (aborting() && !follower_.all_ended()) return stop_everything(exit_code());
    return exit_code();
  }

 private:
  enum class End { over, signalled, detached };

  /// Until there is nothing more to follow, or somebody has had enough.
  End follow() {
    // While files are watched, a change may start again what has ended.
    while (!over()) {
      show_menu();
      pollfd fds[] = {{follower_.fd().get(), POLLIN, 0},
                      {signals_.fd().get(), POLLIN, 0},
                      {watch_ ? watch_->fd().get() : -1, POLLIN, 0},
                      {menu_ ? menu_->keys().get() : -1, POLLIN, 0},
                      {menu_ ? menu_->signals().get() : -1, POLLIN, 0}};
      poll(fds, std::size(fds), -1);
      if (menu_) menu_->hide();
      follower_.pump();
      if (watch_ && !watch_->pump()) watch_.reset();
      if (signals_.take() != 0) return End::signalled;
      if (!menu_) continue;
      menu_->on_signals();
      if (fds[3].revents != 0 && on_key(menu_->key())) return End::detached;
    }
    return End::over;
  }

  void start_watch() {
    std::vector<std::string> services;
    for (const engine::ServiceConfig& service : request_.stack.services) {
      if (is_watchable(project_, {service.name})) services.push_back(service.name);
    }
    Result<WatchProcess> started = WatchProcess::start(context_, project_, services, [this](const std::string& line) {
      printer_.note(line);
      fflush(stdout);
    });
    if (started)
      watch_.emplace(std::move(*started));
    else
      print_error(context_, started.error());
  }

  [[nodiscard]] bool is_any_watchable() const {
    return std::any_of(request_.stack.services.begin(), request_.stack.services.end(),
                       [&](const auto& service) { return is_watchable(project_, {service.name}); });
  }

  void open_menu() {
    if (std::optional<Menu> menu = Menu::open()) menu_.emplace(std::move(*menu));
  }

  void show_menu() {
    if (!menu_) return;
    std::string line = watch_ ? "w Disable Watch   d Detach" : "w Enable Watch   d Detach";
    if (!notice_.empty()) line += "   " + notice_;
    menu_->show(line);
  }

  /// True if the key means to leave.
  bool on_key(char key) {
    notice_.clear();
    if (key == 'd') return true;
    if (key == 'v' || key == 'o') notice_ = "there is no Docker Desktop to view it in";
    if (key == '\n') fmt::print("\n"), fflush(stdout);
    if (key != 'w') return false;
    if (watch_)
      watch_.reset();
    else if (is_any_watchable())
      start_watch();
    else
      notice_ = "watch is not configured: no service has `develop: watch:`";
    return false;
  }

  [[nodiscard]] LogStyle style() const {
    LogStyle style;
    style.prefix = !options_.no_prefix;
    style.timestamps = options_.timestamps;
    style.colour = !options_.no_color && context_.colour(STDOUT_FILENO);
    style.split_streams = true;
    return style;
  }

  LogFollower make_follower() {
    engine::Selection selection{request_.stack.project, {}, false};
    std::set<std::string> muted;
    for (const engine::ServiceConfig& service : request_.stack.services) {
      selection.services.insert(service.name);
      if (!service.attach) muted.insert(service.name);
    }
    LogFollower follower(engine::StateStore(context_.paths), std::move(selection), printer_,
                         {.since_ns = wall_clock_ns()});
    follower.mute(std::move(muted));
    return follower;
  }

  [[nodiscard]] std::string names() const {
    engine::Selection attached{request_.stack.project, {}, false};
    for (const engine::ServiceConfig& service : request_.stack.services) {
      if (service.attach) attached.services.insert(service.name);
    }
    std::vector<std::string> list;
    const engine::Observed observed = engine::StateStore(context_.paths).observe();
    if (!attached.services.empty()) {
      for (const engine::Container* container : engine::select(observed, attached))
        list.push_back(log_name(container->record));
    }
    return join(list, ", ");
  }

  /// Everything has ended, or what ends all; and no other command is about to start that again.
  bool over() {
    auto seems = [this] { return aborting() || (!watch_ && follower_.all_ended()); };
    return seems() && is_settled(context_, engine::Selection{request_.stack.project, {}, false}, follower_, signals_) &&
           seems();
  }

  [[nodiscard]] bool aborting() const {
    if (options_.abort_on_exit) return !follower_.ended().empty();
    return options_.abort_on_failure && exit_code() != 0;
  }

  /// 0 when all ended by themselves, whatever their codes; with the abort flags the code they name.
  [[nodiscard]] int exit_code() const {
    for (const LogFollower::Ended& ended : follower_.ended()) {
      if (!options_.exit_code_from.empty() && ended.service != options_.exit_code_from) continue;
      if (options_.abort_on_exit || (options_.abort_on_failure && ended.exit_code != 0))
        return static_cast<int>(ended.exit_code);
    }
    return 0;
  }

  int stop_everything(int code) {
    fmt::print(stderr, "Gracefully stopping... (press Ctrl+C again to force)\n");
    engine::Selection selection{request_.stack.project, {}, false};
    for (const engine::ServiceConfig& service : request_.stack.services) selection.services.insert(service.name);
    engine::StopRequest stop{selection, request_.options.stop_timeout_ns};
    // Its first signal is our second: not "cancel", but "kill".
    Watch logs{follower_.fd(), [this] { follower_.pump(); }};
    Outcome outcome = carry_out(context_, engine::to_message(stop), signals_, logs, [&] {
      return engine::to_message(engine::KillRequest{selection, SIGKILL});
    });
    follower_.pump();
    if (outcome.ok && !options_.providers.empty()) {
      engine::Selection provided{request_.stack.project, {options_.providers.begin(), options_.providers.end()}, false};
      outcome.ok = stop_providers(context_, provided, project_.environment, signals_) == 0;
    }
    if (!options_.exit_code_from.empty() && code != 130) return exit_code();
    return outcome.ok ? code : 1;
  }

  const Context& context_;
  const compose::Project& project_;
  const engine::UpRequest& request_;
  const AttachedOptions& options_;
  Signals signals_;
  LogPrinter printer_;
  LogFollower follower_;
  std::optional<WatchProcess> watch_;
  std::optional<Menu> menu_;
  std::string notice_;  // what the last key came to
};

}  // namespace

int stay_attached(const Context& context, const compose::Project& project, const engine::UpRequest& request,
                  const AttachedOptions& options) {
  return Attached(context, project, request, options).run();
}

}  // namespace berth::cli
