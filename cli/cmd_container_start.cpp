#include <fmt/core.h>

#include <memory>

#include "base/text.h"
#include "cli/container_choice.h"
#include "cli/container_commands.h"
#include "cli/project.h"
#include "cli/quiet.h"
#include "cli/request.h"
#include "cli/start_attached.h"
#include "engine/request.h"

namespace berth::cli {
namespace {

struct ContainerStartFlags {
  std::vector<std::string> names;
  AttachFlags streams;
  bool attach = false, interactive = false;
};

/// One, whose output is shown until it ends.
Result<int> attached(const Context& context, const ContainerStartFlags& flags) {
  if (flags.names.size() != 1) return make_error("you cannot start and attach multiple containers at once");
  const engine::Observed observed = engine::StateStore(context.paths).observe();
  BERTH_TRY(engine::Container container, find_container(observed, flags.names.front()));
  AttachFlags streams = flags.streams;
  streams.no_stdin = !flags.interactive;
  BERTH_TRY(std::optional<int> code, start_attached(context, container.record, streams));
  return code.value_or(1);
}

int start(const Context& context, const ContainerStartFlags& flags) {
  int code = 0;
  const std::vector<NamedContainer> named = find_containers(context, flags.names, code);
  engine::Selection selection;
  for (const NamedContainer& one : named) selection.containers.insert(one.container.record.id);
  if (named.empty()) return code;
  if (carry_out(without_progress(context), engine::to_message(engine::StartRequest{selection, {}})) != 0) code = 1;
  const engine::StateStore store(context.paths);
  for (const NamedContainer& one : named) {
    Result<engine::Container> now = store.read(one.container.record.id);
    bool began = one.container.live.alive() || (now && now->live.started_ns > one.container.live.started_ns);
    if (began) fmt::print("{}\n", printable(one.name));
  }
  return code;
}

}  // namespace

void add_container_start(Command noun, Context& context) {
  auto flags = std::make_shared<ContainerStartFlags>();
  Command command = noun.add_command("start", "Start one or more stopped containers");
  choose_containers(command, flags->names);
  command.flag("-a,--attach", flags->attach, "Attach STDOUT/STDERR and forward signals");
  command.flag("-i,--interactive", flags->interactive, "Attach container's STDIN");
  command.option("--detach-keys", flags->streams.detach_keys,
                 "Override the key sequence for detaching from a container");
  command.runs(context, [&context, flags] {
    if (!flags->attach && !flags->interactive) return start(context, *flags);
    Result<int> code = attached(context, *flags);
    return code ? *code : report(context, code.error());
  });
}

}  // namespace berth::cli
