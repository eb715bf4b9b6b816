// stop, restart, kill, pause, unpause and rm of containers by name: alike but for the request.

#include <fmt/core.h>

#include <functional>
#include <memory>

#include "base/text.h"
#include "cli/container_choice.h"
#include "cli/container_commands.h"
#include "cli/project.h"
#include "cli/quiet.h"
#include "cli/request.h"
#include "engine/request.h"
#include "sys/signals.h"

namespace berth::cli {
namespace {

using engine::Container;

struct ContainerVerbFlags {
  std::vector<std::string> names;
  int64_t timeout = -1;
  std::string signal;
  bool force = false, volumes = false, link = false;
};

/// What is asked of the containers, what speaks against one of them, and whether one is as it was to become (nullptr:
/// it has gone).
struct Verb {
  std::function<Result<engine::Json>(const ContainerVerbFlags&, const engine::Selection&)> request;
  std::function<Status(const ContainerVerbFlags&, const Container&)> check;
  std::function<bool(const Container*)> achieved;
};

Status refuse_signal(const ContainerVerbFlags& flags) {
  if (flags.signal.empty()) return {};
  return make_error("--signal is not supported here", "--stop-signal says at its creation what stops a container");
}

std::optional<int64_t> timeout_of(const ContainerVerbFlags& flags) {
  return flags.timeout < 0 ? std::nullopt : std::optional(flags.timeout * 1'000'000'000);
}

bool alive(const Container* container) {
  return container != nullptr && container->live.alive();
}

bool is_paused(const Container* container) {
  return container != nullptr && container->live.status == engine::Status::paused;
}

Status always(const ContainerVerbFlags&, const Container&) {
  return {};
}

Status running(const ContainerVerbFlags&, const Container& container) {
  if (container.live.alive()) return {};
  return make_error("container " + container.record.name + " is not running");
}

/// All at once. Prints the names, as the user has them, of those that are as they were to become.
int run(const Context& context, const ContainerVerbFlags& flags, const Verb& verb) {
  int code = 0;
  std::vector<NamedContainer> named = find_containers(context, flags.names, code);
  if (flags.force) code = 0;  // what is not there need not be removed
  engine::Selection selection;
  std::erase_if(named, [&](const NamedContainer& one) {
    Status good = verb.check(flags, one.container);
    if (!good) code = report(context, good);
    if (good) selection.containers.insert(one.container.record.id);
    return !good;
  });
  if (named.empty()) return code;
  Result<engine::Json> request = verb.request(flags, selection);
  if (!request) return report(context, request.error());
  const bool all = carry_out(without_progress(context), *request) == 0;
  const engine::StateStore store(context.paths);
  for (const NamedContainer& one : named) {
    Result<Container> now = store.read(one.container.record.id);
    if (all || verb.achieved(now ? &*now : nullptr)) fmt::print("{}\n", printable(one.name));
  }
  return all ? code : 1;
}

Command add(Command noun, Context& context, const std::string& name, const std::string& help,
            const std::shared_ptr<ContainerVerbFlags>& flags, Verb verb) {
  Command command = noun.add_command(name, help);
  choose_containers(command, flags->names);
  command.runs(context, [&context, flags, verb = std::move(verb)] { return run(context, *flags, verb); });
  return command;
}

void add_timeout(Command command, const std::shared_ptr<ContainerVerbFlags>& flags) {
  command.option("-s,--signal", flags->signal).hidden();  // known in order to be refused by name
  command.option("-t,--time,--timeout", flags->timeout, "Seconds to wait before killing the container");
}

Result<int> signal_of(const ContainerVerbFlags& flags) {
  std::optional<int> number = sys::parse_signal(flags.signal);
  if (!number) return make_error("there is no signal \"" + printable(flags.signal) + "\"");
  return *number;
}

void add_container_rm(Command noun, Context& context) {
  auto flags = std::make_shared<ContainerVerbFlags>();
  auto check = [](const ContainerVerbFlags& given, const Container& container) -> Status {
    if (!container.live.alive() || given.force) return {};
    return make_error("container " + container.record.name + " is running", "stop it first, or force its removal");
  };
  auto request = [](const ContainerVerbFlags& given, const engine::Selection& selection) -> Result<engine::Json> {
    if (given.link) return make_error("--link is not supported", "`berth network disconnect` takes a network away");
    return engine::to_message(engine::RemoveRequest{selection, {given.force, given.volumes, 0}});
  };
  Command command = add(noun, context, "rm", "Remove one or more containers", flags,
                        {request, check, [](const Container* now) { return now == nullptr; }});
  command.alias("remove");
  command.flag("-f,--force", flags->force, "Force the removal of a running container");
  command.flag("-l,--link", flags->link, "Remove the specified link").hidden();
  command.flag("-v,--volumes", flags->volumes, "Remove anonymous volumes associated with the container");
}

}  // namespace

void add_container_lifecycle(Command noun, Context& context) {
  auto stop = std::make_shared<ContainerVerbFlags>();
  auto ask_stop = [](const ContainerVerbFlags& flags, const engine::Selection& selection) -> Result<engine::Json> {
    BERTH_TRY_OK(refuse_signal(flags));
    return engine::to_message(engine::StopRequest{selection, timeout_of(flags)});
  };
  Command command = add(noun, context, "stop", "Stop one or more running containers", stop,
                        {ask_stop, always, [](const Container* now) { return !alive(now); }});
  add_timeout(command, stop);

  auto restart = std::make_shared<ContainerVerbFlags>();
  auto ask_restart = [](const ContainerVerbFlags& flags, const engine::Selection& selection) -> Result<engine::Json> {
    BERTH_TRY_OK(refuse_signal(flags));
    return engine::to_message(engine::RestartRequest{selection, timeout_of(flags), false});
  };
  command = add(noun, context, "restart", "Restart one or more containers", restart, {ask_restart, always, alive});
  add_timeout(command, restart);

  auto kill = std::make_shared<ContainerVerbFlags>();
  kill->signal = "SIGKILL";
  auto ask_kill = [](const ContainerVerbFlags& flags, const engine::Selection& selection) -> Result<engine::Json> {
    BERTH_TRY(int signal, signal_of(flags));
    return engine::to_message(engine::KillRequest{selection, signal});
  };
  command = add(noun, context, "kill", "Kill one or more running containers", kill,
                {ask_kill, running, [](const Container* now) { return !alive(now); }});
  command.option("-s,--signal", kill->signal, "Signal to send to the container");

  auto ask_pause = [](const ContainerVerbFlags&, const engine::Selection& selection) -> Result<engine::Json> {
    return engine::to_message(engine::PauseRequest{selection});
  };
  auto can_pause = [](const ContainerVerbFlags& flags, const Container& container) -> Status {
    if (is_paused(&container)) return make_error("container " + container.record.name + " is already paused");
    return running(flags, container);
  };
  add(noun, context, "pause", "Pause all processes within one or more containers",
      std::make_shared<ContainerVerbFlags>(), {ask_pause, can_pause, is_paused});
  auto ask_unpause = [](const ContainerVerbFlags&, const engine::Selection& selection) -> Result<engine::Json> {
    return engine::to_message(engine::UnpauseRequest{selection});
  };
  auto can_unpause = [](const ContainerVerbFlags&, const Container& container) -> Status {
    if (is_paused(&container)) return {};
    return make_error("container " + container.record.name + " is not paused");
  };
  add(noun, context, "unpause", "Unpause all processes within one or more containers",
      std::make_shared<ContainerVerbFlags>(),
      {ask_unpause, can_unpause, [](const Container* now) { return alive(now) && !is_paused(now); }});
  add_container_rm(noun, context);
}

}  // namespace berth::cli
