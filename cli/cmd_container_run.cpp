// `container run` and `create`: a container that belongs to no project. To the supervisor it is the one-off container
// of a stack that has one service and no name.

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "base/text.h"
#include "cli/bring_images.h"
#include "cli/container_choice.h"
#include "cli/container_commands.h"
#include "cli/container_flags.h"
#include "cli/container_name.h"
#include "cli/one_off.h"
#include "cli/project.h"
#include "cli/quiet.h"
#include "cli/request.h"
#include "cli/start_attached.h"
#include "engine/request.h"
#include "images/store.h"
#include "sys/file.h"

namespace berth::cli {
namespace {

constexpr int kFailed = 125;  // of us, not of the command

struct ContainerRunFlags {
  ContainerFlags container;
  std::string name, cid_file, detach_keys;
  std::vector<std::string> words, attach;
  bool detach = false, remove = false, publish_all = false, sig_proxy = true;
  bool create_only = false;
  BringFlags bring;
};

/// In the foreground, and goes on when we go: the container has no streams of ours, we attach to it.
bool can_be_left(const ContainerRunFlags& flags) {
  return !flags.detach && !flags.create_only && (!flags.detach_keys.empty() || !flags.sig_proxy);
}

Status check(const ContainerRunFlags& flags) {
  if (!flags.name.empty()) BERTH_TRY_OK(check_container_name(flags.name));
  if (flags.detach && !flags.attach.empty()) return make_error("conflicting options: -a and -d");
  if (flags.remove && flags.container.is_set("--restart"))
    return make_error("conflicting options: cannot specify both --restart and --rm");
  bool foreground = !flags.detach && !flags.create_only;
  if (can_be_left(flags) && !flags.attach.empty())
    return make_error("--attach cannot be combined with --detach-keys or --sig-proxy=false, which attach to all");
  if (foreground && flags.container.is_set("--tty") && flags.container.is_set("--interactive") &&
      isatty(STDIN_FILENO) == 0)
    return make_error("the input device is not a TTY", "leave -t out");
  if (!flags.cid_file.empty() && sys::exists(flags.cid_file))
    return make_error("container ID file found, make sure the other container isn't running or delete " +
                      flags.cid_file);
  for (const std::string& stream : flags.attach) {
    std::string word = to_lower(stream);
    if (word != "stdin" && word != "stdout" && word != "stderr")
      return make_error("--attach " + printable(stream) + ": expected stdin, stdout or stderr");
  }
  return {};
}

/// --link is a matter of names; whose they are has to be there.
Status check_links(const Context& context, const ContainerRunFlags& flags) {
  const std::vector<std::string>& links = flags.container.values("--link");
  if (links.empty()) return {};
  const engine::Observed observed = engine::StateStore(context.paths).observe();
  for (const std::string& link : links) {
    if (Result<engine::Container> there = find_container(observed, link.substr(0, link.find(':'))); !there)
      return std::move(there).context("--link {}", printable(link)).error();
  }
  return {};
}

/// -P: all that the image or --expose names, on any free port of the host.
Status publish_all(const Context& context, engine::ContainerConfig& config) {
  BERTH_TRY(images::Store store, images::Store::open(context.paths));
  BERTH_TRY(images::Image image, store.resolve(config.image));
  std::vector<std::string> exposed = image.config.exposed_ports;
  exposed.insert(exposed.end(), config.expose.begin(), config.expose.end());
  for (const std::string& text : exposed) {
    const size_t slash = text.find('/');
    engine::PortConfig port;
    port.container_port = static_cast<uint16_t>(parse_unsigned(text.substr(0, slash)).value_or(0));
    port.protocol = slash == std::string::npos ? "tcp" : text.substr(slash + 1);
    bool known = std::any_of(config.ports.begin(), config.ports.end(), [&](const engine::PortConfig& one) {
      return one.container_port == port.container_port && one.protocol == port.protocol;
    });
    if (!known && port.container_port != 0) config.ports.push_back(std::move(port));
  }
  return {};
}

/// Prints what is wrong; `code` is then the command's exit code.
std::optional<engine::RunRequest> prepare(const Context& context, const ContainerRunFlags& flags, int& code) {
  ContainerModel model(flags.name.empty() ? random_container_name() : flags.name);
  model.set("/image", flags.words.front(), "IMAGE");
  if (flags.words.size() > 1)
    model.set("/command", std::vector<std::string>(flags.words.begin() + 1, flags.words.end()), "COMMAND");
  if (Status applied = flags.container.apply(model); !applied) return (void)report(context, applied), std::nullopt;
  if (Status linked = check_links(context, flags); !linked) return (void)report(context, linked), std::nullopt;
  std::optional<ContainerModel::Lowered> lowered = model.lower(context);
  if (!lowered) return std::nullopt;
  std::vector<Errand> none;
  if (int brought = bring_images(context, lowered->project, lowered->stack, flags.bring, none); brought != 0)
    return (void)(code = brought == 130 ? brought : code), std::nullopt;
  if (flags.publish_all) {
    Status published = publish_all(context, lowered->stack.services.back().container);
    if (!published) return (void)report(context, published), std::nullopt;
  }
  engine::RunRequest request;
  request.stack = std::move(lowered->stack);
  request.attach = !flags.detach && !flags.create_only;
  request.options.one_off = {model.name(), model.name(), flags.remove};
  request.options.no_start = flags.create_only;
  request.options.ignore_orphans = true;
  return request;
}

OneOffStreams streams_of(const ContainerRunFlags& flags) {
  auto named = [&](const char* stream) {
    return flags.attach.empty() || std::any_of(flags.attach.begin(), flags.attach.end(),
                                               [&](const std::string& one) { return to_lower(one) == stream; });
  };
  return {flags.container.is_set("--interactive") && named("stdin"), named("stdout"), named("stderr")};
}

/// Made, then started and attached to. One that cannot be started is taken back, as always.
Result<int> run_attached(const Context& context, engine::RunRequest request, const ContainerRunFlags& flags,
                         int failed) {
  request.attach = false;
  request.options.no_start = true;
  const Context quiet = without_progress(context);
  if (carry_out(quiet, engine::to_message(request)) != 0) return failed;
  const engine::StateStore store(context.paths);
  BERTH_TRY(engine::Container container, find_container(store.observe(), request.options.one_off.name));
  if (!flags.cid_file.empty())
    BERTH_TRY_OK(sys::write_file_atomic(flags.cid_file, container.record.id, sys::Durability::none, 0644));
  AttachFlags streams;
  streams.no_stdin = !flags.container.is_set("--interactive");
  streams.sig_proxy = flags.sig_proxy;
  if (!flags.detach_keys.empty()) streams.detach_keys = flags.detach_keys;
  Result<std::optional<int>> code = start_attached(quiet, container.record, streams);
  if (code && *code) return **code;
  Result<engine::Container> now = store.read(container.record.id);
  if (now && (now->live.exit_code == 126 || now->live.exit_code == 127)) failed = static_cast<int>(now->live.exit_code);
  if (now)
    (void)carry_out(quiet, engine::to_message(engine::RemoveRequest{engine::only(now->record), {true, true, 0}}));
  return code ? Result<int>(failed) : Result<int>(std::move(code).error());
}

int run(const Context& context, const ContainerRunFlags& flags) {
  int code = flags.create_only ? 1 : kFailed;
  if (Status good = check(flags); !good) return (void)report(context, good), code;
  std::optional<engine::RunRequest> request = prepare(context, flags, code);
  if (!request) return code;
  if (can_be_left(flags)) {
    Result<int> ended = run_attached(context, *request, flags, code);
    return ended ? *ended : (void(report(context, ended.error())), code);
  }
  return run_one_off(without_progress(context), *request, streams_of(flags), code, flags.cid_file);
}

Command add(Command noun, Context& context, const std::string& name, const std::string& help,
            const std::shared_ptr<ContainerRunFlags>& flags) {
  Command command = noun.add_command(name, help);
  command.footer("berth container " + name + " [OPTIONS] IMAGE [COMMAND] [ARGS...]");
  command.frees_short_help();
  flags->container.add_to(command);
  command.option("--cidfile", flags->cid_file, "Write the container ID to the file");
  command.option("--name", flags->name, "Assign a name to the container");
  command.flag("-P,--publish-all", flags->publish_all, "Publish all exposed ports to random ports");
  command.option("--pull", flags->bring.policy, "Pull image before running (\"always\", \"missing\", \"never\")")
      .one_of({"always", "missing", "never"});
  command.flag("-q,--quiet", flags->bring.quiet, "Suppress the pull output");
  command.flag("--rm", flags->remove, "Automatically remove the container when it exits");
  command.ignore_flag("--disable-content-trust");
  command.rest(flags->words, 1, "an image");
  command.runs(context, [&context, flags] { return run(context, *flags); });
  return command;
}

}  // namespace

void add_container_run(Command noun, Context& context) {
  auto flags = std::make_shared<ContainerRunFlags>();
  Command command = add(noun, context, "run", "Create and run a new container from an image", flags);
  command.option("-a,--attach", flags->attach, "Attach to STDIN, STDOUT or STDERR");
  command.flag("-d,--detach", flags->detach, "Run container in background and print container ID");
  command.option("--detach-keys", flags->detach_keys, "Override the key sequence for detaching from the container");
  command.flag("--sig-proxy", flags->sig_proxy, "Proxy received signals to the process (default true)");

  auto create = std::make_shared<ContainerRunFlags>();
  create->create_only = true;
  command = add(noun, context, "create", "Create a new container", create);
  command.option("-a,--attach", create->attach, "Attach to STDIN, STDOUT or STDERR").hidden();  // says nothing here
}

}  // namespace berth::cli
