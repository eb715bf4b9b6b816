#include "cli/watch/actions.h"

#include <fmt/core.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "base/text.h"
#include "cli/build_job.h"
#include "cli/container_files.h"
#include "cli/log_follower.h"
#include "cli/project.h"
#include "cli/prune.h"
#include "cli/request.h"
#include "cli/service_builds.h"
#include "cli/up_flags.h"
#include "compose/select.h"
#include "engine/request.h"
#include "engine/run_spec.h"
#include "images/store.h"
#include "runtime/exec.h"
#include "runtime/user.h"
#include "sys/terminal.h"
#include "watch/mirror.h"

namespace berth::cli {
namespace {

/// ["web" "db"], as Docker Compose shows lists.
std::string bracketed(const std::vector<std::string>& names) {
  std::vector<std::string> words;
  for (const std::string& name : names) words.push_back("\"" + name + "\"");
  return "[" + join(words, " ") + "]";
}

std::vector<std::string> list_of(const std::set<std::string>& names) {
  return {names.begin(), names.end()};
}

/// Whom the container's own program could write files as.
Result<watch::Owner> owner_in(const Context& context, const engine::ContainerRecord& record) {
  runtime::LayerStack layers{context.paths.container(record.id) + "/upper"};
  layers.insert(layers.end(), record.layers.begin(), record.layers.end());
  BERTH_TRY(runtime::ResolvedUser user, runtime::resolve_user(record.user, {}, layers));
  return watch::Owner{user.uid, user.gid};
}

Result<watch::Mirrored> mirror_into(const Context& context, const engine::Container& container,
                                    const watch::Copies& copies) {
  BERTH_TRY(watch::Owner owner, owner_in(context, container.record));
  BERTH_TRY(sys::UniqueFd root, open_container_root(context, container));
  return watch::mirror(copies, root.ref(), owner);
}

Status sync_into(const Context& context, const engine::Container& container, const watch::Copies& copies) {
  Result<watch::Mirrored> mirrored = make_error("no thread");
  // The files of one that does not run are mounted for it, in a mount namespace that goes with the thread.
  if (container.live.alive())
    mirrored = mirror_into(context, container, copies);
  else
    std::thread([&] { mirrored = mirror_into(context, container, copies); }).join();
  if (!mirrored) return std::move(mirrored).error();
  for (Error& failure : mirrored->failures) {
    failure.context.push_back("container " + container.record.name);
    print_error(context, failure);
  }
  return {};
}

Result<runtime::Running> start_command(const Context& context, const engine::Container& container,
                                       const compose::Hook& hook) {
  BERTH_TRY(runtime::Host host, runtime::Host::discover(context.paths.root + "/cache"));
  BERTH_TRY(runtime::ContainerSpec spec, engine::run_spec(container.record, context.paths));
  BERTH_TRY(sys::Pidfd init, sys::open_identified(container.live.process));
  runtime::ExecSpec exec;
  exec.args = hook.command;
  for (const auto& [name, value] : hook.environment) {
    if (value) exec.env.push_back(name + "=" + *value);
  }
  exec.cwd = hook.working_dir.value_or("");
  exec.user = hook.user.value_or("");
  exec.privileged = hook.privileged.value_or(false);
  runtime::LaunchIo io;
  io.out = sys::FdRef(STDOUT_FILENO);
  io.err = sys::FdRef(STDERR_FILENO);
  BERTH_TRY(runtime::Launch launch, runtime::start_exec(host, spec, init, exec, io));
  return launch.finish();
}

}  // namespace

void tell(const std::string& text) {
  fmt::print("{}\n", text);
  std::fflush(stdout);
}

std::vector<engine::Container> WatchActions::containers_of(const std::set<std::string>& services) const {
  engine::Observed observed = engine::StateStore(context_.paths).observe();
  std::vector<engine::Container> containers;
  for (const engine::Container* container : engine::select(observed, {project_.name, services, false}))
    containers.push_back(*container);
  return containers;
}

void WatchActions::carry_out(const watch::Work& work) {
  if (!work.rebuild.empty()) rebuild(work.rebuild);
  for (const auto& [service, copies] : work.copies) {
    if (!stopped_) sync(service, copies);
  }
  if (!work.restart.empty() && !stopped_) restart(work.restart);
  for (size_t rule : work.commands) {
    if (!stopped_) run_command(rules_.rules[rule], *rules_.written[rule].exec);
  }
}

void WatchActions::rebuild(const std::set<std::string>& services) {
  const std::vector<std::string> names = list_of(services);
  tell(fmt::format("Rebuilding service(s) {} after changes were detected...", bracketed(names)));
  if (!build(names)) return;
  tell(fmt::format("service(s) {} successfully built", bracketed(names)));
  if (!recreate(names)) return;
  if (options_.prune) remove_dangling_images();
}

bool WatchActions::build(const std::vector<std::string>& services) {
  BuildOrder order;
  order.quiet = options_.quiet;
  Result<std::vector<BuildJob>> jobs = build_jobs(project_, services, {});
  if (!jobs) return report(context_, jobs.error()) == 0;
  order.jobs = std::move(*jobs);
  Result<int> code = cli::carry_out(context_, order);
  if (!code) return report(context_, code.error()) == 0;
  stopped_ = stopped_ || *code > 128;
  if (*code != 0 && !stopped_) tell("Build failed: the containers stay as they are until the next change");
  return *code == 0;
}

/// The services and what runs that depends on them, as they are to be with their new images; what has not changed stays
/// as it is.
bool WatchActions::recreate(const std::vector<std::string>& services) {
  Result<std::vector<std::string>> dependents =
      compose::select_services(project_, services, compose::Follow::dependents);
  if (!dependents) return report(context_, dependents.error()) == 0;
  std::map<std::string, int64_t> present;
  std::set<std::string> running;
  for (const engine::Container& container : containers_of({dependents->begin(), dependents->end()})) {
    ++present[container.record.service];
    if (container.live.alive()) running.insert(container.record.service);
  }
  ConvergeFlags flags;
  for (const std::string& name : *dependents) {
    const bool named = std::find(services.begin(), services.end(), name) != services.end();
    if (!named && !running.contains(name)) continue;
    flags.services.push_back(name);
    if (present.contains(name)) flags.scale.push_back(fmt::format("{}={}", name, present[name]));
  }
  flags.no_deps = true;
  flags.known_only = true;
  flags.bring.no_build = true;
  flags.bring.policy = "never";
  int code = 1;
  std::vector<Errand> errands;
  std::optional<engine::UpRequest> request = prepare_up(context_, project_, flags, errands, code);
  if (!request) return false;
  Outcome outcome = cli::carry_out(context_, engine::to_message(*request), signals_);
  stopped_ = stopped_ || outcome.cancelled;
  return outcome.ok;
}

void WatchActions::remove_dangling_images() {
  auto remove = [&]() -> Status {
    BERTH_TRY(images::Store store, images::Store::open(context_.paths));
    auto unwanted = [&](const images::Image& image) {
      auto label = image.config.labels.find("com.docker.compose.project");
      return image.names.empty() && label != image.config.labels.end() && label->second == project_.name;
    };
    BERTH_TRY(images::CollectedGarbage collected,
              store.garbage_collect([&] { return images_in_use(context_); }, unwanted));
    return {};
  };
  if (Status removed = remove(); !removed) print_error(context_, removed.error());
}

void WatchActions::sync(const std::string& service, const watch::Copies& copies) {
  tell(fmt::format("Syncing service \"{}\" after {} changes were detected", service, copies.size()));
  for (const engine::Container& container : containers_of({service})) {
    Status synced = sync_into(context_, container, copies).context("sync to container {}", container.record.name);
    if (!synced) print_error(context_, synced.error());
  }
}

void WatchActions::restart(const std::set<std::string>& services) {
  engine::RestartRequest request{{project_.name, services, false}, std::nullopt, true};
  Outcome outcome = cli::carry_out(context_, engine::to_message(request), signals_);
  stopped_ = stopped_ || outcome.cancelled;
  if (outcome.ok) tell(fmt::format("service(s) {} restarted", bracketed(list_of(services))));
}

void WatchActions::run_command(const watch::Rule& rule, const compose::Hook& hook) {
  struct Started {
    std::string name;
    sys::Pidfd process;
  };
  std::vector<Started> started;
  for (const engine::Container& container : containers_of({rule.service})) {
    if (!container.live.alive()) continue;
    Result<runtime::Running> running = start_command(context_, container, hook)
                                           .context("run {} in {}", join(hook.command, " "), container.record.name);
    if (running)
      started.push_back({container.record.name, std::move(running->pidfd)});
    else
      print_error(context_, running.error());
  }
  for (const Started& one : started) {
    while (!one.process.exited()) {
      pollfd fds[] = {{one.process.fd().get(), POLLIN, 0}, {signals_.fd().get(), POLLIN, 0}};
      poll(fds, 2, -1);
      const int signal = signals_.take();
      if (signal == 0) continue;
      stopped_ = true;
      for (const Started& each : started) (void)each.process.signal(signal);  // gone already: just as well
    }
    const int code = sys::reap(one.process);
    if (code != 0) tell(fmt::format("{} in {} exited with code {}", join(hook.command, " "), one.name, code));
  }
}

}  // namespace berth::cli
