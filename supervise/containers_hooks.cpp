// Hooks: commands of the service that run in its container after a start and before a stop that somebody asked for.

#include <fmt/core.h>
#include <signal.h>

#include "base/text.h"
#include "engine/run_spec.h"
#include "supervise/containers.h"
#include "supervise/inside.h"

namespace berth::supervise {
namespace {

constexpr size_t kShownLines = 5, kMaxLine = 4096;

/// Text as it comes, told line by line; the last lines are kept for an error.
class HookOutput {
 public:
  HookOutput(std::string source, const HookListener& listener) : source_(std::move(source)), listener_(listener) {}

  void add(std::string_view text) {
    for (char c : text) {
      if (c == '\n' || open_.size() == kMaxLine) flush();
      if (c != '\n') open_ += c;
    }
  }
  void flush() {
    if (listener_.on_line) listener_.on_line(source_, open_);
    last_.push_back(std::exchange(open_, {}));
    if (last_.size() > kShownLines) last_.erase(last_.begin());
  }
  [[nodiscard]] std::string tail() {
    if (!open_.empty()) flush();
    std::string text;
    for (const std::string& line : last_) text += "\n    " + printable(line);
    return text.empty() ? text : "\n  last lines of its output:" + text;
  }

 private:
  std::string source_;
  const HookListener& listener_;
  std::string open_;
  std::vector<std::string> last_;
};

/// Ends the hook when the command that it belongs to is cancelled; until it is `over`.
Work watch_cancelled(ContainerPtr container, std::shared_ptr<const bool> cancelled,
                     std::shared_ptr<const sys::Pidfd> process, std::shared_ptr<const bool> over) {
  while (!*over && !*cancelled) co_await container->changed.wait();
  if (!*over) (void)process->signal(SIGKILL);  // who waits for it sees the end
}

}  // namespace

Task<void> Containers::run_hook(ContainerPtr container, engine::HookConfig hook, std::string what,
                                HookListener listener) {
  const std::string& name = container->record.name;
  if (!container->live.alive()) co_return make_error(fmt::format("container {} ended before its {}", name, what));
  BERTH_CO_TRY_OK(thaw(container));  // nothing runs in a paused one
  BERTH_CO_TRY(runtime::ContainerSpec spec, engine::run_spec(container->record, parts_.store.paths()));
  runtime::ExecSpec command;
  command.args = hook.command;
  command.env = hook.environment;
  command.cwd = hook.working_dir;
  command.user = hook.user;
  command.privileged = hook.privileged;
  HookOutput output(fmt::format("{}-{} ->", container->record.service, container->record.number), listener);
  auto over = std::make_shared<bool>(false);
  InsideOptions options;
  options.on_output = [&output](std::string_view text) { output.add(text); };
  options.on_started = [&](std::shared_ptr<const sys::Pidfd> process) {
    asio::co_spawn(parts_.io, watch_cancelled(container, listener.cancelled, std::move(process), over), asio::detached);
  };
  Result<InsideResult> ended = co_await run_inside(parts_.io, parts_.host, std::move(spec), container->process,
                                                   std::move(command), std::move(options));
  *over = true;
  container->changed.notify();  // whoever watches it
  if (!ended) co_return std::move(ended).context("container {}: {}", name, what).error();
  std::string tail = output.tail();
  if (ended->exit_code == 0) co_return Status();
  if (*listener.cancelled) co_return make_error(fmt::format("container {}: {} was cancelled", name, what));
  co_return make_error(fmt::format("container {}: {} exited with status {}{}", name, what, ended->exit_code, tail));
}

Task<void> Containers::run_hooks(ContainerPtr container, HookKind kind, HookListener listener) {
  const engine::ContainerConfig& config = container->record.config;
  const bool start = kind == HookKind::post_start;
  const std::vector<engine::HookConfig>& hooks = start ? config.post_start : config.pre_stop;
  for (size_t i = 0; i < hooks.size(); ++i) {
    std::string what = fmt::format("{} hook {} ({})", start ? "post_start" : "pre_stop", i + 1,
                                   printable(join(hooks[i].command, " ")));
    engine::HookConfig hook = hooks[i];
    Laps laps(tracers_, container->record);
    const std::string name = fmt::format("{} hook {}", start ? "post_start" : "pre_stop", i + 1);
    BERTH_CO_TRY_OK(co_await run_hook(container, std::move(hook), std::move(what), listener));
    laps.end(name.c_str());
  }
  co_return Status();
}

}  // namespace berth::supervise
