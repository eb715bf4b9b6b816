#include <fmt/core.h>
#include <poll.h>

#include <memory>

#include "cli/commands.h"
#include "cli/container_choice.h"
#include "cli/container_commands.h"
#include "cli/exit_code.h"
#include "cli/project.h"
#include "cli/request.h"
#include "cli/signals.h"
#include "engine/request.h"

namespace berth::cli {
namespace {

struct Waited {
  engine::Container container;
  sys::Pidfd process;  // invalid = it does not run
};

/// Until one of them ends, which is taken out of the list. Nothing after a signal.
std::optional<Waited> next_to_end(std::vector<Waited>& all, const Signals& signals) {
  std::vector<pollfd> fds = {{signals.fd().get(), POLLIN, 0}};
  for (const Waited& waited : all) fds.push_back({waited.process.fd().get(), POLLIN, 0});
  for (;;) {
    for (size_t i = 0; i < all.size(); ++i) {
      if (all[i].process.valid() && fds[i + 1].revents == 0) continue;
      Waited ended = std::move(all[i]);
      all.erase(all.begin() + static_cast<std::ptrdiff_t>(i));
      return ended;
    }
    (void)poll(fds.data(), fds.size(), -1);
    if (signals.take() != 0) return std::nullopt;
  }
}

Waited to_wait_for(engine::Container container) {
  Waited waited{std::move(container), {}};
  if (Result<sys::Pidfd> process = sys::open_identified(waited.container.live.process))
    waited.process = std::move(process).value();
  return waited;
}

int take_down(const Context& context, const engine::Selection& selection) {
  engine::DownRequest down;
  down.selection.project = selection.project;
  down.options.remove_orphans = true;
  return carry_out(context, engine::to_message(down));
}

/// The code of the container that ended last.
int wait_for_services(const Context& context, const std::vector<std::string>& services, bool down_project) {
  std::optional<engine::Selection> selection = select(context, services);
  if (!selection) return 1;
  engine::StateStore store(context.paths);
  engine::Observed observed = store.observe();
  std::vector<Waited> all;
  for (const engine::Container* container : engine::select(observed, *selection)) {
    if (container->live.alive()) all.push_back(to_wait_for(*container));
  }
  if (all.empty()) return report(context, make_error("no containers for project \"" + selection->project + "\""));
  Signals signals;
  int code = 0;
  while (!all.empty()) {
    std::optional<Waited> ended = next_to_end(all, signals);
    if (!ended) return kInterrupted;
    code = exit_code_after(store, ended->process, ended->container.record.id);
    fmt::print("container \"{}\" exited with status code {}\n", ended->container.record.id, code);
    fflush(stdout);
    if (!down_project) continue;
    int taken = take_down(context, *selection);
    return taken != 0 ? taken : code;
  }
  return code;
}

/// Prints the code of each, in the order in which they were named.
int wait_for_containers(const Context& context, const std::vector<std::string>& names) {
  engine::StateStore store(context.paths);
  int code = 0;
  for (const std::string& name : names) {
    Result<engine::Container> container = find_container(context, {false, name, 0});
    if (!container) {
      code = report(context, container.error());
      continue;
    }
    Waited waited = to_wait_for(std::move(*container));
    const engine::LiveState& live = waited.container.live;
    bool over = !waited.process.valid() && !live.alive() && !live.ending();
    fmt::print("{}\n", over ? static_cast<int>(live.exit_code)
                            : exit_code_after(store, waited.process, waited.container.record.id));
    fflush(stdout);
  }
  return code;
}

}  // namespace

void add_wait(Command app, Context& context) {
  struct WaitFlags {
    std::vector<std::string> services;
    bool down_project = false;
  };
  auto flags = std::make_shared<WaitFlags>();
  Command command = app.add_command("wait", "Block until containers of all (or specified) services stop");
  command.option("SERVICE", flags->services, "Services").required();
  command.flag("--down-project", flags->down_project, "Drops project when the first container stops");
  command.dry_runs(context);
  command.runs(context, [&context, flags] { return wait_for_services(context, flags->services, flags->down_project); });
}

void add_container_wait(Command noun, Context& context) {
  auto names = std::make_shared<std::vector<std::string>>();
  Command command = noun.add_command("wait", "Block until one or more containers stop, then print their exit codes");
  command.option("CONTAINER", *names, "Names or ids").required();
  command.runs(context, [&context, names] { return wait_for_containers(context, *names); });
}

}  // namespace berth::cli
