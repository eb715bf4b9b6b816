#include "cli/build/jobs.h"

#include <fmt/core.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <thread>

#include "base/text.h"
#include "builder/build.h"
#include "builder/build_lock.h"
#include "builder/tasks.h"
#include "cli/build/contexts.h"
#include "cli/build/dockerfile_text.h"
#include "cli/build/outputs.h"
#include "cli/build/progress.h"
#include "cli/build/step_networks.h"
#include "cli/build/supplies.h"
#include "cli/helper_program.h"
#include "cli/project.h"
#include "cli/status_stream.h"
#include "dockerfile/parse.h"
#include "images/reference.h"
#include "sys/file.h"
#include "sys/mount_tree.h"

namespace berth::cli {
namespace {

std::optional<std::string> variable(const std::string& name) {
  const char* value = getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
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

std::vector<images::Digest> ids(const images::Store& store) {
  std::vector<images::Digest> all;
  Result<std::vector<images::Image>> list = store.list();
  for (size_t i = 0; list && i < list->size(); ++i) all.push_back((*list)[i].id);
  return all;
}

std::string without_password(const std::string& context) {
  auto remote = dockerfile::parse_git_remote(context);
  return remote && *remote ? (*remote)->shown() : context;
}

std::ptrdiff_t runs_at_once(const Context& context) {
  if (context.parallel > 0) return context.parallel;
  constexpr unsigned kLeast = 2;  // one of them often waits for a network
  return static_cast<std::ptrdiff_t>(std::max(std::thread::hardware_concurrency(), kLeast));
}

/// Builds several images side by side; one waits for another whose image it is built on. The first that fails ends the
/// others.
class Jobs {
 public:
  Jobs(const Context& context, const BuildOrder& order, images::Store store, runtime::Host host)
      : context_(context),
        order_(order),
        store_(std::move(store)),
        host_(std::move(host)),
        progress_(context, order.quiet),
        supplies_(context, store_, progress_),
        share_(runs_at_once(context)),
        outcomes_(order.jobs.size()),
        tasks_(order.jobs.size(), [this](size_t index) { one(index); }) {
    progress_.trace_to(order.trace);
  }

  int run() {
    for (const std::string& warning : order_.warnings) fmt::print(stderr, "warning: {}\n", printable(warning));
    for (size_t i = 0; i < order_.jobs.size(); ++i) tasks_.start(i);
    for (size_t i = 0; i < order_.jobs.size(); ++i) tasks_.wait(i);
    progress_.finish();
    if (cancelled()) return 128 + caught_signal();
    if (failed_) fmt::print(stderr, "{}", progress_.failure());
    bool good = true;
    for (size_t i = 0; i < order_.jobs.size(); ++i) good = tell(order_.jobs[i], outcomes_[i]) && good;
    return good ? 0 : 1;
  }

 private:
  struct Outcome {
    Diagnostics diagnostics;
    std::optional<images::Image> image;
    std::vector<images::Digest> known;  // images before it, where it may have to go again
  };

  bool tell(const BuildJob& job, const Outcome& outcome) {
    fmt::print(stderr, "{}", outcome.diagnostics.render(context_.colour(STDERR_FILENO)));
    if (order_.check) return !outcome.diagnostics.has_errors();
    if (!outcome.image) return false;
    if (Status out = put_out(context_, store_, job, *outcome.image, outcome.known); !out) {
      print_error(context_, out.error());
      return false;
    }
    if (!is_stored(job)) return true;
    if (order_.quiet) {
      fmt::print("{}\n", outcome.image->id.str());
    } else {
      std::string line = "built " + outcome.image->id.short_hex();
      for (const std::string& tag : names_of(job)) line += " " + printable(tag);
      fmt::print(status_stream(), "{}\n", line);
    }
    return true;
  }

  [[nodiscard]] bool stopped() const { return failed_ || cancelled(); }

  /// The task.
  void one(size_t index) {
    if (stopped()) return;
    Outcome& outcome = outcomes_[index];
    outcome.image = built(index, outcome.diagnostics);
    if (!outcome.image && !order_.check) failed_ = true;
  }

  /// The job before this one that makes the image; it has ended then.
  std::optional<size_t> maker_of(const std::string& name, size_t index) {
    Result<images::Reference> wanted = images::parse_reference(name);
    if (!wanted) return std::nullopt;
    for (size_t i = 0; i < index; ++i) {
      for (const std::string& tag : order_.jobs[i].tags) {
        Result<images::Reference> made = images::parse_reference(tag);
        if (!made || made->name() != wanted->name()) continue;
        tasks_.wait(i);
        return i;
      }
    }
    return std::nullopt;
  }

  Result<images::Image> image(size_t index, const std::string& name, const std::optional<images::Platform>& platform,
                              const std::string& step) {
    auto stop = [this] { return stopped(); };
    std::optional<size_t> maker = maker_of(name, index);
    if (!maker) return supplies_.image(name, platform, order_.jobs[index].pull, step, stop);
    if (!outcomes_[*maker].image) return sys_error("build", ECANCELED);
    return store_.resolve(name);
  }

  /// As a step of its own where it has to be brought.
  Result<Contexts::Place> own_context(const BuildJob& job, Contexts& contexts) {
    if (job.context != "-" && !dockerfile::is_remote_context(job.context)) return contexts.own("");
    std::string shown = job.context == "-" ? "standard input" : without_password(job.context);
    std::string step = fmt::format("[{}context] {}", order_.jobs.size() > 1 ? job.name + " " : "", printable(shown));
    progress_.begun(step);
    Result<Contexts::Place> place = contexts.own(step);
    progress_.ended(step, stopped() ? builder::StepEnd::cancelled
                          : place   ? builder::StepEnd::done
                                    : builder::StepEnd::failed);
    return place;
  }

  std::optional<images::Image> built(size_t index, Diagnostics& diagnostics) {
    const BuildJob& job = order_.jobs[index];
    auto refuse = [&](const Error& error) {
      diagnostics.error({}, error.message(), error.hint);
      return std::nullopt;
    };
    auto base = [&](const std::string& name, const std::optional<images::Platform>& platform, const std::string& step) {
      return image(index, name, platform, step);
    };
    auto stop = [this] { return stopped(); };
    auto fetch = [&](const std::string& url, const std::string& target, const std::string& step) {
      return supplies_.file(url, target, step, stop);
    };
    auto repository = [&](const git::CloneRequest& request, const std::string& agent, const std::string& step) {
      return supplies_.repository(request, agent, step, stop);
    };
    Contexts contexts(context_, store_, job, {fetch, base, repository});
    Result<Contexts::Place> place = own_context(job, contexts);
    if (!place) return refuse(place.error());
    Result<DockerfileText> file = read_dockerfile(job, *place, contexts);
    if (!file) return refuse(file.error());
    std::optional<dockerfile::Dockerfile> parsed = dockerfile::parse(file->name, file->text, diagnostics);
    builder::BuildRequest request;
    request.ignore = read_ignore_rules(*place, *file, diagnostics);
    if (!parsed || diagnostics.has_errors() || order_.check) return std::nullopt;
    if (order_.jobs.size() > 1) request.name = job.name;
    request.file = std::move(*parsed);
    request.context = place->directory;
    request.named_contexts = job.additional_contexts;
    request.target = job.target;
    request.publish = is_published(job);
    if (is_stored(job)) request.tags = names_of(job);
    request.labels = job.labels;
    request.annotations = job.annotations;
    request.no_cache = job.no_cache;
    request.no_cache_filter = job.no_cache_filter;
    request.network = job.network;
    request.allow_insecure = job.allow_insecure;
    request.allow_host_network = job.allow_host_network;
    if (job.shm_size > 0) request.shm_size = static_cast<uint64_t>(job.shm_size);
    if (Status taken = take_values(job, request); !taken) return refuse(taken.error());
    if (!is_stored(job)) outcomes_[index].known = ids(store_);
    auto named = [&](const std::string& value, const std::optional<images::Platform>& platform,
                     const std::string& step) { return contexts.named(value, platform, step); };
    auto clone = [&](const dockerfile::GitRemote& remote, bool keep_git_dir, const std::string& directory,
                     const std::string& step) { return contexts.clone(remote, keep_git_dir, directory, step); };
    auto network = [&](const std::string& name) { return networks_.make(name); };
    return builder::build(request, {store_, host_, context_.paths, share_, progress_, diagnostics, base, fetch, named,
                                    clone, network, stop});
  }

  const Context& context_;
  const BuildOrder& order_;
  images::Store store_;
  runtime::Host host_;
  BuildProgress progress_;
  Supplies supplies_;
  builder::BuildShare share_;
  StepNetworks networks_{context_};
  std::vector<Outcome> outcomes_;
  std::atomic<bool> failed_ = false;
  builder::Tasks tasks_;  // last: the threads end before what they use goes
};

}  // namespace

int build_all(const Context& context, const BuildOrder& order) {
  allow_many_files();
  auto run = [&]() -> Result<int> {
    BERTH_TRY_OK(sys::enter_own_mount_namespace());
    BERTH_TRY(images::Store store, images::Store::open(context.paths));
    BERTH_TRY(runtime::Host host, runtime::Host::discover(context.paths.root + "/cache"));
    BERTH_TRY(builder::BuildLock lock, builder::BuildLock::acquire(host, context.paths));
    return Jobs(context, order, std::move(store), std::move(host)).run();
  };
  Result<int> code = run();
  return code ? *code : report(context, code.error());
}

}  // namespace berth::cli
