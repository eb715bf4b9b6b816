#include "cli/build/jobs.h"

#include <fmt/core.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "base/text.h"
#include "builder/build.h"
#include "builder/build_lock.h"
#include "cli/build/contexts.h"
#include "cli/build/dockerfile_text.h"
#include "cli/build/outputs.h"
#include "cli/build/progress.h"
#include "cli/helper_program.h"
#include "cli/project.h"
#include "cli/transfer.h"
#include "dockerfile/parse.h"
#include "images/reference.h"
#include "runtime/binfmt.h"
#include "sys/file.h"

namespace berth::cli {
namespace {

std::optional<std::string> variable(const std::string& name) {
  const char* value = getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

/// Mounts of ours are nobody else's, and go with us.
Status own_mounts() {
  if (unshare(CLONE_NEWNS) != 0) return sys_error("make a mount namespace", errno);
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return sys_error("make mounts private", errno);
  return {};
}

struct LimitName {
  const char* name;
  int resource;
};
constexpr LimitName kLimits[] = {{"core", RLIMIT_CORE},   {"cpu", RLIMIT_CPU},         {"data", RLIMIT_DATA},
                                 {"fsize", RLIMIT_FSIZE}, {"memlock", RLIMIT_MEMLOCK}, {"nofile", RLIMIT_NOFILE},
                                 {"nproc", RLIMIT_NPROC}, {"rss", RLIMIT_RSS},         {"stack", RLIMIT_STACK}};

/// "nofile=1024" or "nofile=1024:2048".
Result<runtime::Rlimit> rlimit_of(const std::string& text) {
  size_t equals = text.find('='), colon = text.find(':');
  std::string name = text.substr(0, equals);
  for (const LimitName& limit : kLimits) {
    if (name != limit.name || equals == std::string::npos) continue;
    auto soft = parse_unsigned(text.substr(equals + 1, colon == std::string::npos ? colon : colon - equals - 1));
    auto hard = colon == std::string::npos ? soft : parse_unsigned(text.substr(colon + 1));
    if (soft && hard) return runtime::Rlimit{limit.resource, *soft, *hard};
  }
  return make_error(fmt::format("ulimit \"{}\": expected NAME=SOFT[:HARD]", printable(text)));
}

/// "name:address" or "name=address".
Result<std::pair<std::string, std::string>> host_of(const std::string& text) {
  size_t separator = text.find('=') != std::string::npos ? text.find('=') : text.find(':');
  if (separator == std::string::npos || separator + 1 == text.size())
    return make_error(fmt::format("extra host \"{}\": expected NAME=ADDRESS", printable(text)));
  return std::pair(text.substr(0, separator), text.substr(separator + 1));
}

Status take_values(const BuildJob& job, builder::BuildRequest& request) {
  for (const auto& [name, value] : job.args) {
    std::optional<std::string> known = value ? value : variable(name);
    if (known) request.build_args[name] = *known;
  }
  for (const auto& [id, source] : job.secrets) {
    builder::Secret secret;
    secret.file = source.file;
    secret.value = source.content;
    if (!source.variable.empty()) secret.value = variable(source.variable).value_or("");
    request.secrets[id] = std::move(secret);
  }
  for (const auto& [id, path] : job.ssh)
    request.ssh[id] = !path.empty() ? path : variable("SSH_AUTH_SOCK").value_or("");
  for (const std::string& text : job.ulimits) {
    BERTH_TRY(runtime::Rlimit limit, rlimit_of(text));
    request.rlimits.push_back(limit);
  }
  for (const std::string& text : job.extra_hosts) {
    BERTH_TRY(auto host, host_of(text));
    request.extra_hosts.push_back(std::move(host));
  }
  for (const std::string& tag : job.tags) {
    BERTH_TRY(images::Reference reference, images::parse_reference(tag));
    if (reference.digest)
      return make_error("image reference \"" + printable(tag) + "\": a new name cannot have a digest");
  }
  if (job.platforms.size() > 1)
    return make_error("a build for several platforms at once is not supported", "build them one after the other");
  if (!job.platforms.empty()) {
    BERTH_TRY(images::Platform platform, images::parse_platform(job.platforms.front()));
    request.platform = std::move(platform);
  }
  if (std::optional<std::string> epoch = variable("SOURCE_DATE_EPOCH"); epoch && !epoch->empty()) {
    std::optional<unsigned long long> seconds = parse_unsigned(*epoch);
    if (!seconds) return make_error("SOURCE_DATE_EPOCH: expected seconds since 1970, not " + printable(*epoch));
    request.epoch = static_cast<int64_t>(*seconds);
  }
  return {};
}

/// An image for another platform is as good as none, unless none was asked for and it runs here.
bool serves(const images::Image& image, const std::optional<images::Platform>& platform) {
  images::Platform has{image.config.os, image.config.architecture, image.config.variant};
  if (has.architecture.empty() || images::choose_platform(platform.value_or(images::host_platform()), {has}) >= 0)
    return true;
  return !platform && runtime::can_execute(has.architecture).ok();
}

/// Brings the base image in where it is missing, or newer ones are asked for.
Result<images::Image> base_image(const Context& context, images::Store& store, const BuildJob& job, bool quiet,
                                 const std::string& name, const std::optional<images::Platform>& platform) {
  Result<images::Image> image = store.resolve(name);
  if (image && !job.pull && serves(*image, platform)) return image;
  if (!images::parse_reference(name)) return image;
  Transfer transfer;
  transfer.items.push_back({name, platform ? platform->str() : "", {}});
  transfer.quiet = quiet;
  BERTH_TRY(int code, carry_out(context, transfer));
  if (code == 0) return store.resolve(name);
  if (code > 128) cancel(code - 128);
  return make_error(fmt::format("the image \"{}\" could not be pulled", printable(name)), "see above");
}

class Jobs {
 public:
  Jobs(const Context& context, const BuildOrder& order, images::Store store, runtime::Host host)
      : context_(context), order_(order), store_(std::move(store)), host_(std::move(host)) {}

  int run() {
    for (const std::string& warning : order_.warnings) fmt::print(stderr, "warning: {}\n", printable(warning));
    for (const BuildJob& job : order_.jobs) {
      if (!one(job)) return cancelled() ? 128 + caught_signal() : 1;
    }
    return 0;
  }

 private:
  bool one(const BuildJob& job) {
    Diagnostics diagnostics;
    BuildProgress progress(context_, order_.quiet);
    std::optional<images::Image> image = built(job, progress, diagnostics);
    if (!cancelled()) {
      if (!image && progress.quiet()) fmt::print(stderr, "{}", progress.last_output());
      fmt::print(stderr, "{}", diagnostics.render(context_.colour(STDERR_FILENO)));
    }
    if (order_.check) return !diagnostics.has_errors();
    bool stored = image && is_stored(job);
    if (stored && order_.quiet) fmt::print("{}\n", image->id.str());
    if (stored && !order_.quiet) {
      fmt::print(stderr, "built {}", image->id.short_hex());
      for (const std::string& tag : names_of(job)) fmt::print(stderr, " {}", printable(tag));
      fmt::print(stderr, "\n");
    }
    return image.has_value();
  }

  std::optional<images::Image> built(const BuildJob& job, BuildProgress& progress, Diagnostics& diagnostics) {
    auto refuse = [&](const Error& error) {
      diagnostics.error({}, error.message(), error.hint);
      return std::nullopt;
    };
    auto image = [&](const std::string& name, const std::optional<images::Platform>& platform) {
      return base_image(context_, store_, job, order_.quiet, name, platform);
    };
    auto fetch = [&](const std::string& url, const std::string& target) -> Status {
      BERTH_TRY(int code, carry_out(context_, FetchOrder{url, target}));
      if (code > 128) cancel(code - 128);
      return code == 0 ? Status()
                       : make_error(fmt::format("the download of \"{}\" failed", printable(url)), "see above");
    };
    Contexts contexts(context_, store_, job, {fetch, image});
    Result<Contexts::Place> place = contexts.own();
    if (!place) return refuse(place.error());
    Result<DockerfileText> file = read_dockerfile(job, *place, contexts);
    if (!file) return refuse(file.error());
    std::optional<dockerfile::Dockerfile> parsed = dockerfile::parse(file->name, file->text, diagnostics);
    builder::BuildRequest request;
    request.ignore = read_ignore_rules(*place, *file, diagnostics);
    if (!parsed || diagnostics.has_errors() || order_.check) return std::nullopt;
    request.file = std::move(*parsed);
    request.context = place->directory;
    request.named_contexts = job.additional_contexts;
    request.target = job.target;
    request.publish = is_published(job);
    if (is_stored(job)) request.tags = names_of(job);
    request.labels = job.labels;
    request.annotations = job.annotations;
    request.no_cache = job.no_cache;
    request.network = job.network;
    request.allow_insecure = job.allow_insecure;
    if (job.shm_size > 0) request.shm_size = static_cast<uint64_t>(job.shm_size);
    if (Status taken = take_values(job, request); !taken) return refuse(taken.error());
    auto named = [&](const std::string& value, const std::optional<images::Platform>& platform) {
      return contexts.named(value, platform);
    };
    auto clone = [&](const dockerfile::GitRemote& remote, bool keep_git_dir, const std::string& directory) {
      return contexts.clone(remote, keep_git_dir, directory);
    };
    std::vector<images::Digest> known;
    if (!is_stored(job)) {
      Result<std::vector<images::Image>> all = store_.list();
      for (size_t i = 0; all && i < all->size(); ++i) known.push_back((*all)[i].id);
    }
    std::optional<images::Image> built = builder::build(
        request, {store_, host_, context_.paths, progress, diagnostics, image, fetch, named, clone, cancelled});
    if (!built) return built;
    Status out = put_out(context_, store_, job, *built, known);
    return out ? built : refuse(out.error());
  }

  const Context& context_;
  const BuildOrder& order_;
  images::Store store_;
  runtime::Host host_;
};

}  // namespace

int build_all(const Context& context, const BuildOrder& order) {
  allow_many_files();
  auto run = [&]() -> Result<int> {
    BERTH_TRY_OK(own_mounts());
    BERTH_TRY(images::Store store, images::Store::open(context.paths));
    BERTH_TRY(runtime::Host host, runtime::Host::discover(context.paths.root + "/cache"));
    BERTH_TRY(builder::BuildLock lock, builder::BuildLock::acquire(host, context.paths));
    return Jobs(context, order, std::move(store), std::move(host)).run();
  };
  Result<int> code = run();
  return code ? *code : report(context, code.error());
}

}  // namespace berth::cli
