#include "cli/service_builds.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "base/version.h"
#include "dockerfile/git_remote.h"
#include "images/platform.h"

namespace berth::cli {
namespace {

constexpr std::string_view kService = "service:";

Error at(const SourceSpan& span, const std::string& service, std::string message, std::string hint = {}) {
  Error error = make_error(std::move(message), std::move(hint));
  if (span.known()) error.context.push_back(span.str());
  error.context.push_back(fmt::format("service \"{}\"", service));
  return error;
}

Status add_secrets(const compose::Project& project, const compose::Service& service, BuildJob& job) {
  for (const compose::FileGrant& grant : service.build->secrets) {
    auto object = project.secrets.find(grant.source);
    if (object == project.secrets.end() || object->second.external) {
      return at(grant.span, service.name, fmt::format("the secret \"{}\" cannot be given to a build", grant.source),
                "it needs `file:`, `environment:` or `content:`");
    }
    BuildJob::SecretSource source;
    source.file = object->second.file.value_or("");
    source.content = object->second.content;
    if (object->second.value) source.content = object->second.value;
    if (object->second.environment && !source.content) {
      auto value = project.environment.find(*object->second.environment);
      source.content = value == project.environment.end() ? "" : value->second;
    }
    job.secrets[grant.target.empty() ? grant.source : grant.target] = std::move(source);
  }
  return {};
}

void add_limits(const compose::Build& build, BuildJob& job) {
  for (const auto& [name, limit] : build.ulimits) {
    auto text = [](int64_t value) { return value < 0 ? std::to_string(UINT64_MAX) : std::to_string(value); };
    job.ulimits.push_back(fmt::format("{}={}:{}", name, text(limit.soft), text(limit.hard)));
  }
}

/// Services whose images this one's build reads.
std::vector<std::string> bases(const compose::Service& service) {
  std::vector<std::string> names;
  if (!service.build) return names;
  for (const auto& [name, value] : service.build->additional_contexts) {
    if (value.starts_with(kService)) names.push_back(value.substr(kService.size()));
  }
  return names;
}

class Jobs {
 public:
  Jobs(const compose::Project& project, const BuildOverrides& overrides) : project_(project), overrides_(overrides) {}

  Status add(const std::string& name) {
    auto service = project_.services.find(name);
    if (service == project_.services.end() || !service->second.build || !seen_.insert(name).second) return {};
    for (const std::string& base : bases(service->second)) BERTH_TRY_OK(add(base));
    BERTH_TRY(BuildJob job, build_job(project_, service->second, overrides_));
    if (images_.insert(job.tags.front()).second) jobs_.push_back(std::move(job));
    return {};
  }

  std::vector<BuildJob> take() { return std::move(jobs_); }

 private:
  const compose::Project& project_;
  const BuildOverrides& overrides_;
  std::set<std::string> seen_, images_;
  std::vector<BuildJob> jobs_;
};

std::vector<std::string> platforms_of(const compose::Service& service, bool all) {
  const std::vector<std::string>& listed = service.build->platforms;
  if (service.platform && (listed.empty() || !all)) return {*service.platform};
  if (listed.size() < 2 || all) return listed;
  std::string own = images::host_platform().str();
  return {std::find(listed.begin(), listed.end(), own) != listed.end() ? own : listed.front()};
}

}  // namespace

std::string image_of(const compose::Project& project, const compose::Service& service) {
  return service.image ? *service.image : project.name + "-" + service.name;
}

Result<BuildJob> build_job(const compose::Project& project, const compose::Service& service,
                           const BuildOverrides& overrides) {
  const compose::Build& build = *service.build;
  BuildJob job;
  job.name = service.name;
  job.context = build.context.value_or(project.working_dir);
  if (job.context.find("://") != std::string::npos && !dockerfile::is_remote_context(job.context)) {
    return at(service.place("build"), service.name,
              fmt::format("the build context \"{}\" is no address that berth knows", printable(job.context)),
              "expected a directory, https://, http://, git://, ssh:// or USER@HOST:PATH");
  }
  job.dockerfile = build.dockerfile.value_or("");
  job.inline_file = build.dockerfile_inline;
  for (const auto& [name, value] : build.args) {
    auto known = project.environment.find(name);
    job.args[name] = value ? value : known == project.environment.end() ? std::nullopt : std::optional(known->second);
  }
  for (const auto& [name, value] : overrides.args) job.args[name] = value;
  for (const auto& [name, value] : build.labels) job.labels[name] = value;
  job.labels["com.docker.compose.project"] = project.name;
  job.labels["com.docker.compose.service"] = service.name;
  job.labels["com.docker.compose.version"] = kVersion;
  for (const auto& [name, value] : build.additional_contexts) {
    auto base =
        value.starts_with(kService) ? project.services.find(value.substr(kService.size())) : project.services.end();
    job.additional_contexts[name] =
        base == project.services.end() ? value : "docker-image://" + image_of(project, base->second);
  }
  job.tags = {image_of(project, service)};
  job.tags.insert(job.tags.end(), build.tags.begin(), build.tags.end());
  for (const auto& [name, address] : build.extra_hosts) job.extra_hosts.push_back(name + "=" + address);
  for (const auto& [id, path] : build.ssh) job.ssh[id] = path;
  for (const std::string& text : overrides.ssh) {
    size_t equals = text.find('=');
    job.ssh[text.substr(0, equals)] = equals == std::string::npos ? "" : text.substr(equals + 1);
  }
  BERTH_TRY_OK(add_secrets(project, service, job));
  add_limits(build, job);
  job.platforms = platforms_of(service, overrides.all_platforms);
  job.target = build.target.value_or("");
  job.network = build.network.value_or("");
  // A network of the project by its name in the file; Docker Compose takes the real one only.
  bool is_mode = job.network == "default" || job.network == "none" || job.network == "host";
  if (auto known = project.networks.find(job.network); known != project.networks.end() && !is_mode)
    job.network = known->second.name;
  job.shm_size = build.shm_size.value_or(0);
  auto allows = [&](const char* entitlement) {
    return std::find(build.entitlements.begin(), build.entitlements.end(), entitlement) != build.entitlements.end();
  };
  job.allow_insecure = build.privileged.value_or(false) || allows("security.insecure");
  job.allow_host_network = allows("network.host");
  job.no_cache = overrides.no_cache || build.no_cache.value_or(false);
  job.no_cache_filter = build.no_cache_filter;
  job.pull = overrides.pull || build.pull.value_or(false);
  return job;
}

Result<std::vector<BuildJob>> build_jobs(const compose::Project& project, const std::vector<std::string>& services,
                                         const BuildOverrides& overrides) {
  Jobs jobs(project, overrides);
  for (const std::string& name : services) BERTH_TRY_OK(jobs.add(name));
  return jobs.take();
}

}  // namespace berth::cli
