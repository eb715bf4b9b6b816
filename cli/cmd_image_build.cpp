#include "cli/cmd_image_build.h"

#include <fmt/core.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <memory>

#include "base/text.h"
#include "compose/bytes.h"
#include "dockerfile/git_remote.h"

namespace berth::cli {
namespace {

using Strings = std::vector<std::string>;

struct ImageBuildFlags {
  std::string context, file, target, network, shm_size, iidfile, metadata_file, cgroup_parent, provenance, sbom;
  Strings tags, args, labels, annotations, hosts, ulimits, secrets, ssh, contexts, allowed, platforms, outputs;
  Strings cache_from, cache_to, attestations, no_cache_filter;
  bool no_cache = false, pull = false, push = false, load = false, quiet = false, check = false;
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

/// The context, and the Dockerfile, which counts from where we are if the context is a directory, else from that.
Status add_context(const ImageBuildFlags& flags, BuildJob& job) {
  job.context = flags.context;
  job.dockerfile = flags.file;
  bool may_be_directory = flags.context.starts_with("github.com/") && access(flags.context.c_str(), F_OK) == 0;
  if (flags.context == "-" || (dockerfile::is_remote_context(flags.context) && !may_be_directory)) return {};
  char resolved[PATH_MAX];
  if (realpath(flags.context.c_str(), resolved) == nullptr)
    return sys_error("build context " + printable(flags.context), errno);
  job.context = resolved;
  if (flags.file.empty() || flags.file == "-" || dockerfile::is_http(flags.file)) return {};
  if (realpath(flags.file.c_str(), resolved) == nullptr) return sys_error("Dockerfile " + printable(flags.file), errno);
  job.dockerfile = resolved;
  return {};
}

Status add_annotations(const ImageBuildFlags& flags, BuildJob& job) {
  constexpr std::string_view kManifest = "manifest:";
  for (const std::string& text : flags.annotations) {
    auto [name, value] = name_and_value(text);
    if (name.starts_with(kManifest)) name.erase(0, kManifest.size());
    if (!value || name.empty()) return make_error(fmt::format("--annotation {}: expected NAME=VALUE", printable(text)));
    for (const char* other : {"index", "manifest-descriptor", "index-descriptor", "manifest["}) {
      if (!name.starts_with(other) || name.find(':') == std::string::npos) continue;
      return make_error(fmt::format("--annotation {}: only those of the manifest are supported", printable(text)),
                        "write NAME=VALUE or manifest:NAME=VALUE");
    }
    job.annotations[name] = *value;
  }
  return {};
}

Status add_outputs(const ImageBuildFlags& flags, BuildJob& job) {
  for (const std::string& text : flags.outputs) {
    BERTH_TRY(BuildOutput output, parse_build_output(text));
    job.outputs.push_back(std::move(output));
  }
  // --load and --push say more of an image that is wanted anyway.
  bool has_image = false;
  for (BuildOutput& output : job.outputs) {
    has_image = has_image || output.is_stored();
    output.push = output.push || (flags.push && output.is_stored());
  }
  if (!has_image && (flags.load || flags.push)) job.outputs.push_back({"image", "", {}, flags.push});
  return {};
}

/// What has no effect on the image, and is missed by nobody but those who asked for it.
void add_warnings(const ImageBuildFlags& flags, BuildOrder& order) {
  auto is_on = [](const std::string& value) { return !value.empty() && value != "false" && value != "0"; };
  if (!flags.cache_from.empty()) order.warnings.emplace_back("--cache-from has no effect: the cache is the local one");
  if (!flags.cache_to.empty()) order.warnings.emplace_back("--cache-to has no effect: the cache is the local one");
  if (!flags.attestations.empty()) order.warnings.emplace_back("--attest has no effect: no attestations are made");
  if (is_on(flags.provenance)) order.warnings.emplace_back("--provenance has no effect: no attestations are made");
  if (is_on(flags.sbom)) order.warnings.emplace_back("--sbom has no effect: no attestations are made");
}

Result<BuildOrder> order_of(const ImageBuildFlags& flags) {
  BuildJob job;
  BERTH_TRY_OK(add_context(flags, job));
  BERTH_TRY_OK(add_annotations(flags, job));
  BERTH_TRY_OK(add_outputs(flags, job));
  if (!flags.cgroup_parent.empty())
    return make_error("--cgroup-parent is not supported", "steps run in control groups below berth's own");
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
    job.allow_host_network = job.allow_host_network || entitlement == "network.host";
  }
  job.tags = flags.tags;
  job.extra_hosts = flags.hosts;
  job.ulimits = flags.ulimits;
  for (const std::string& text : flags.platforms) {
    for (std::string& platform : split(text, ',')) job.platforms.push_back(std::move(platform));
  }
  job.iidfile = flags.iidfile;
  job.metadata_file = flags.metadata_file;
  job.target = flags.target;
  job.network = flags.network;
  job.no_cache = flags.no_cache;
  for (const std::string& text : flags.no_cache_filter)
    for (std::string& stage : split(text, ',')) job.no_cache_filter.push_back(std::move(stage));
  job.pull = flags.pull;
  BuildOrder order;
  order.jobs = {std::move(job)};
  order.quiet = flags.quiet;
  order.check = flags.check;
  add_warnings(flags, order);
  return order;
}

}  // namespace

void add_image_build(Command noun, Context& context, const std::function<int(const Result<BuildOrder>&)>& run) {
  auto flags = std::make_shared<ImageBuildFlags>();
  Command command = noun.add_command("build", "Build an image from a Dockerfile");
  auto several = [&](const char* names, Strings& place, const char* help) { command.option(names, place, help); };
  command
      .option("PATH", flags->context,
              "Build context: a directory, a git repository, the URL of a tar or Dockerfile, or -")
      .required();
  several("-t,--tag", flags->tags, "Name and optionally a tag (NAME:TAG)");
  command.option("-f,--file", flags->file, "Name of the Dockerfile (default: PATH/Dockerfile)");
  several("--build-arg", flags->args, "Set build-time variables");
  command.option("--target", flags->target, "Set the target build stage to build");
  command.flag("--no-cache", flags->no_cache, "Do not use cache when building the image");
  several("--no-cache-filter", flags->no_cache_filter, "Do not cache specified stages");
  command.option("--progress", context.progress, "Set type of progress output")
      .one_of({"auto", "plain", "tty", "quiet", "json", "rawjson"});
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
  command.option("--network", flags->network,
                 "Network of the RUN instructions (default, none, host, or a network's name)");
  command.option("--shm-size", flags->shm_size, "Size of /dev/shm");
  several("--platform", flags->platforms, "Set target platform for build");
  several("-o,--output", flags->outputs,
          "Output destination (type=local,dest=PATH; image, docker, oci, tar, registry)");
  command.flag("--load", flags->load, "Keep the image in the store, beside other outputs");
  command.flag("--push", flags->push, "Push the image when it is built");
  command.option("--iidfile", flags->iidfile, "Write the image ID to the file");
  command.option("--metadata-file", flags->metadata_file, "Write build result metadata to the file");
  several("--annotation", flags->annotations, "Add annotation to the image");
  several("--cache-from", flags->cache_from, "Without effect: the cache is the local one");
  several("--cache-to", flags->cache_to, "Without effect: the cache is the local one");
  several("--attest", flags->attestations, "Without effect: no attestations are made");
  command.option("--provenance", flags->provenance, "Without effect: no attestations are made");
  command.option("--sbom", flags->sbom, "Without effect: no attestations are made");
  command.option("--cgroup-parent", flags->cgroup_parent, "Not supported").hidden();
  // Docker's, of builders before BuildKit; there too they have no effect any more.
  command.ignore_option(
      "--builder,--isolation,-m,--memory,--memory-swap,--cpu-period,--cpu-quota,-c,--cpu-shares,--cpuset-cpus,"
      "--cpuset-mems,--security-opt");
  command.ignore_flag("--compress,--rm,--force-rm,--disable-content-trust");
  command.runs(context, [flags, run] { return run(order_of(*flags)); });
}

}  // namespace berth::cli
