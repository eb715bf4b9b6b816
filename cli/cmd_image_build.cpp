#include "cli/cmd_image_build.h"

#include <fmt/core.h>
#include <stdlib.h>

#include <cerrno>
#include <climits>
#include <memory>

#include "base/text.h"
#include "compose/bytes.h"

namespace berth::cli {
namespace {

using Strings = std::vector<std::string>;

struct Flags {
  std::string context, file, target, network, shm_size, platform;
  Strings tags, args, labels, hosts, ulimits, secrets, ssh, contexts, allowed;
  bool no_cache = false, pull = false, quiet = false, check = false;
};

std::pair<std::string, std::optional<std::string>> name_and_value(const std::string& text) {
  size_t equals = text.find('=');
  if (equals == std::string::npos) return {text, std::nullopt};
  return {text.substr(0, equals), text.substr(equals + 1)};
}

/// "id=NAME,src=FILE", "id=NAME,env=VARIABLE".
Status add_secret(const std::string& text, BuildJob& job) {
  std::string id;
  BuildJob::SecretSource source;
  for (const std::string& field : split(text, ',')) {
    auto [name, value] = name_and_value(field);
    if (name == "id" && value)
      id = *value;
    else if ((name == "src" || name == "source") && value)
      source.file = *value;
    else if (name == "env" && value)
      source.variable = *value;
    else if (name != "type")
      return make_error(fmt::format("--secret {}: expected id=NAME,src=FILE or id=NAME,env=VARIABLE", printable(text)));
  }
  if (id.empty()) return make_error(fmt::format("--secret {}: has no id", printable(text)));
  if (source.file.empty() && source.variable.empty()) source.variable = id;
  job.secrets[id] = std::move(source);
  return {};
}

Result<BuildOrder> order_of(const Flags& flags) {
  BuildJob job;
  char resolved[PATH_MAX];
  if (realpath(flags.context.c_str(), resolved) == nullptr)
    return sys_error("build context " + printable(flags.context), errno);
  job.context = resolved;
  // As with docker build: -f counts from where we are, not from the context.
  if (!flags.file.empty()) {
    if (realpath(flags.file.c_str(), resolved) == nullptr)
      return sys_error("Dockerfile " + printable(flags.file), errno);
    job.dockerfile = resolved;
  }
  for (const std::string& text : flags.args) job.args.insert(name_and_value(text));
  for (const std::string& text : flags.labels) {
    auto [name, value] = name_and_value(text);
    job.labels[name] = value.value_or("");
  }
  for (const std::string& text : flags.contexts) {
    auto [name, value] = name_and_value(text);
    if (!value) return make_error(fmt::format("--build-context {}: expected NAME=DIRECTORY", printable(text)));
    job.additional_contexts[name] = *value;
  }
  for (const std::string& text : flags.secrets) BERTH_TRY_OK(add_secret(text, job));
  for (const std::string& text : flags.ssh) {
    auto [id, path] = name_and_value(text);
    job.ssh[id] = path.value_or("");
  }
  if (!flags.shm_size.empty()) {
    std::optional<int64_t> bytes = compose::parse_bytes(flags.shm_size);
    if (!bytes)
      return make_error(fmt::format("--shm-size {}: expected a size such as 128m", printable(flags.shm_size)));
    job.shm_size = *bytes;
  }
  for (const std::string& entitlement : flags.allowed) {
    if (entitlement != "security.insecure" && entitlement != "network.host")
      return make_error(fmt::format("--allow {}: expected security.insecure or network.host", printable(entitlement)));
    job.allow_insecure = job.allow_insecure || entitlement == "security.insecure";
  }
  job.tags = flags.tags;
  job.extra_hosts = flags.hosts;
  job.ulimits = flags.ulimits;
  if (!flags.platform.empty()) job.platforms = split(flags.platform, ',');
  job.target = flags.target;
  job.network = flags.network;
  job.no_cache = flags.no_cache;
  job.pull = flags.pull;
  BuildOrder order;
  order.jobs = {std::move(job)};
  order.quiet = flags.quiet;
  order.check = flags.check;
  return order;
}

}  // namespace

void add_image_build(Command noun, Context& context, const std::function<int(const Result<BuildOrder>&)>& run) {
  auto flags = std::make_shared<Flags>();
  Command command = noun.add_command("build", "Build an image from a Dockerfile");
  auto several = [&](const char* names, Strings& place, const char* help) { command.option(names, place, help); };
  command.option("PATH", flags->context, "Directory with the build context").required();
  several("-t,--tag", flags->tags, "Name and optionally a tag (NAME:TAG)");
  command.option("-f,--file", flags->file, "Name of the Dockerfile (default: PATH/Dockerfile)");
  several("--build-arg", flags->args, "Set build-time variables");
  command.option("--target", flags->target, "Set the target build stage to build");
  command.flag("--no-cache", flags->no_cache, "Do not use cache when building the image");
  command.flag("--pull", flags->pull, "Always attempt to pull all referenced images");
  command.flag("-q,--quiet", flags->quiet, "Suppress the build output and print image ID on success");
  command.flag("--check", flags->check, "Only check the Dockerfile");
  several("--label", flags->labels, "Set metadata for an image");
  several("--secret", flags->secrets, "Secret to expose to the build (id=NAME,src=FILE)");
  several("--ssh", flags->ssh, "SSH agent socket to expose to the build (default, or ID=SOCKET)");
  several("--build-context", flags->contexts, "Additional build contexts (NAME=PATH)");
  several("--add-host", flags->hosts, "Add a custom host-to-IP mapping (HOST=IP)");
  several("--allow", flags->allowed, "Allow extra privileged entitlement (security.insecure, network.host)");
  several("--ulimit", flags->ulimits, "Ulimit options (NAME=SOFT[:HARD])");
  command.option("--network", flags->network, "Networking mode for the RUN instructions")
      .one_of({"default", "none", "host"});
  command.option("--shm-size", flags->shm_size, "Size of /dev/shm");
  command.option("--platform", flags->platform, "Set target platform for build");
  command.runs(context, [flags, run] { return run(order_of(*flags)); });
}

}  // namespace berth::cli
