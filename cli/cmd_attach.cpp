#include <memory>

#include "cli/attachment.h"
#include "cli/commands.h"
#include "cli/container_choice.h"
#include "cli/container_commands.h"
#include "cli/project.h"

namespace berth::cli {
namespace {

struct AttachCommandFlags {
  ContainerChoice container;
  AttachFlags streams;
};

Result<int> attach(const Context& context, const AttachCommandFlags& flags) {
  BERTH_TRY(engine::Container container, find_container(context, flags.container));
  const std::string& name = container.record.name;
  if (container.live.status == engine::Status::paused)
    return make_error("container " + name + " is paused", "let it go on with `berth unpause`");
  if (!container.live.alive()) return make_error("container " + name + " is not running");
  if (container.live.attached)
    return make_error("the output of container " + name + " belongs to the command that started it");
  BERTH_TRY(Attachment attachment, Attachment::prepare(context, container.record, flags.streams));
  return attachment.carry(container);
}

void add(Command app, Context& context, bool of_service) {
  auto flags = std::make_shared<AttachCommandFlags>();
  Command command = app.add_command(
      "attach", of_service ? "Attach local standard input, output, and error streams to a service's running container"
                           : "Attach local standard input, output, and error streams to a running container");
  choose_container(command, flags->container, of_service);
  command.option("--detach-keys", flags->streams.detach_keys,
                 "Override the key sequence for detaching from a container");
  command.flag("--no-stdin", flags->streams.no_stdin, "Do not attach STDIN");
  command.flag("--sig-proxy,!--no-sig-proxy", flags->streams.sig_proxy,
               "Proxy all received signals to the process (default true)");
  command.runs(context, [&context, flags] {
    Result<int> code = attach(context, *flags);
    return code ? *code : report(context, code.error());
  });
}

}  // namespace

void add_attach(Command app, Context& context) {
  add(app, context, true);
}

void add_container_attach(Command noun, Context& context) {
  add(noun, context, false);
}

}  // namespace berth::cli
