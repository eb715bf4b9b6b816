#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/text.h"
#include "compose/develop.h"
#include "compose/graph.h"
#include "compose/passes.h"
#include "compose/provider.h"

namespace berth::compose {
namespace {

template <class Map>
std::vector<std::string> keys_of(const Map& map) {
  std::vector<std::string> keys;
  for (const auto& [key, unused] : map) keys.push_back(key);
  return keys;
}

std::string suggestion(const std::string& name, const std::vector<std::string>& known) {
  std::optional<std::string> near = nearest(name, known);
  return near ? fmt::format("did you mean \"{}\"?", *near) : std::string();
}

template <class Map>
std::string suggestion(const std::string& name, const Map& known) {
  constexpr size_t kMaxCompared = 2000;  // a file with more has been made by a machine
  return known.size() > kMaxCompared ? std::string() : suggestion(name, keys_of(known));
}

bool written(const Service& service, std::string_view attribute) {
  return std::any_of(service.places.begin(), service.places.end(),
                     [&](const auto& place) { return place.first == attribute; });
}

/// One service at a time, with the project around it.
class ServiceCheck {
 public:
  ServiceCheck(const Project& project, const Service& service, Diagnostics& diagnostics)
      : project_(project), service_(service), diagnostics_(diagnostics) {}

  void run() {
    check_image();
    check_dependencies();
    check_networks();
    check_namespaces();
    check_shared();
    check_mounts();
    check_grants(service_.secrets, project_.secrets, "secret");
    check_grants(service_.configs, project_.configs, "config");
    if (service_.build) check_build(*service_.build);
    check_health();
    check_models();
    check_watch();
    check_scale();
    check_limits();
  }

 private:
  void error(const SourceSpan& span, const std::string& message, std::string hint = {}) {
    diagnostics_.error(span, fmt::format("service \"{}\" {}", service_.name, message), std::move(hint));
  }

  void check_image() {
    bool has_source = false;
    for (const char* attribute : {"image", "build", "provider", "extends"}) {
      has_source = has_source || written(service_, attribute);
    }
    if (!has_source) {
      error(service_.span, "has neither an image nor a build context");
    }
  }

  void check_build(const Build& build) {
    const SourceSpan& span = service_.place("build");
    check_grants(build.secrets, project_.secrets, "secret");
    if (build.dockerfile_inline && build.dockerfile) error(span, "has both dockerfile and dockerfile_inline");
    bool listed =
        build.platforms.empty() || !service_.platform ||
        std::find(build.platforms.begin(), build.platforms.end(), *service_.platform) != build.platforms.end();
    if (!listed) {
      error(service_.place("platform"),
            fmt::format("has platform \"{}\", which build.platforms does not list", *service_.platform));
    }
    for (const auto& [name, context] : build.additional_contexts) {
      std::string other = service_reference(context);
      if (other.empty()) continue;
      const Service* source = any_service(other);
      if (source == nullptr)
        error(span,
              fmt::format("takes the build context \"{}\" from service \"{}\", which is not defined", name, other),
              suggestion(other, project_.services));
      else if (!source->build)
        error(span, fmt::format("takes the build context \"{}\" from service \"{}\", which is not built", name, other));
    }
    for (const auto& [id, path] : build.ssh) {
      if (path.empty() && id != "default") error(span, fmt::format("has the ssh key \"{}\" without a path", id));
    }
  }

  [[nodiscard]] const Service* any_service(const std::string& name) const {
    if (const Service* enabled = project_.find_service(name)) return enabled;
    auto disabled = project_.disabled_services.find(name);
    return disabled == project_.disabled_services.end() ? nullptr : &disabled->second;
  }

  void check_models() {
    std::vector<std::string> known;
    for (const Member& model : project_.models.members) known.push_back(model.key);
    for (const Member& model : service_.models.members) {
      if (project_.models.find(model.key) != nullptr) continue;
      error(model.key_span, fmt::format("uses model \"{}\", which is not defined", model.key),
            suggestion(model.key, known));
    }
  }

  void check_watch() {
    const Develop develop = develop_of(service_);
    for (const WatchRule& rule : develop.watch) {
      if (trim(rule.path).empty()) error(rule.span, "watches an empty path");
      if (rule.action.starts_with("sync") && rule.target.empty())
        error(rule.span, fmt::format("has a watch rule \"{}\" without a target", rule.action));
    }
  }

  void check_dependencies() {
    for (const auto& [name, edge] : edges_of(service_)) {
      if (name == service_.name) {
        error(edge.span, "depends on itself");
      } else if (auto off = project_.disabled_services.find(name); off != project_.disabled_services.end()) {
        if (!edge.required) continue;
        error(edge.span, fmt::format("depends on \"{}\", which no active profile enables", name),
              fmt::format("enable it with --profile {}", join(off->second.profiles, " or --profile ")));
      } else if (auto on = project_.services.find(name); on == project_.services.end()) {
        error(edge.span, fmt::format("depends on \"{}\", which is not defined", name),
              suggestion(name, project_.services));
      } else if (edge.condition == Condition::service_healthy && never_healthy(on->second)) {
        error(edge.span, fmt::format("waits for \"{}\" to be healthy, which has its health check turned off", name));
      }
    }
  }

  /// Whether the image has a check is known later.
  static bool never_healthy(const Service& service) {
    if (!service.healthcheck) return false;
    const Healthcheck& check = *service.healthcheck;
    return check.disable.value_or(false) || (!check.test.empty() && check.test.front() == "NONE");
  }

  void check_health() {
    if (!service_.healthcheck || !service_.healthcheck->probe || service_.healthcheck->test.empty()) return;
    error(service_.place("healthcheck"), "has both healthcheck.test and healthcheck.x-berth-probe",
          "leave out one of them; `test: !reset null` takes that of an earlier file away");
  }

  void check_networks() {
    if (service_.network_mode && written(service_, "networks") && !service_.networks.empty()) {
      error(service_.place("network_mode"), "has both network_mode and networks, which exclude each other");
    }
    for (const auto& [name, attachment] : service_.networks) {
      if (name == "default" || project_.networks.contains(name)) continue;
      error(attachment.span, fmt::format("uses network \"{}\", which is not defined", name),
            suggestion(name, project_.networks));
    }
  }

  void check_mode(const char* attribute, const std::optional<std::string>& mode, std::vector<std::string> words,
                  bool joins) {
    if (!mode) return;
    if (joins && (mode->starts_with("service:") || mode->starts_with("container:"))) return;
    const SourceSpan& span = service_.place(attribute);
    if (std::find(words.begin(), words.end(), *mode) != words.end()) return;
    std::optional<std::string> near = nearest(*mode, words);
    std::string hint =
        near ? fmt::format("did you mean \"{}\"?", *near)
             : fmt::format("expected {}{}", join(words, ", "), joins ? ", service:NAME or container:NAME" : "");
    diagnostics_.error(span, fmt::format("services.{}.{}: unknown mode \"{}\"", service_.name, attribute, *mode), hint);
  }

  void check_namespaces() {
    check_mode("network_mode", service_.network_mode, {"none", "host", "bridge", "default"}, true);
    check_mode("ipc", service_.ipc, {"host", "private", "shareable", "none"}, true);
    check_mode("pid", service_.pid, {"host", "private"}, true);
    check_mode("uts", service_.uts, {"host", "private"}, false);
    check_mode("userns_mode", service_.userns_mode, {"host"}, false);
  }

  /// What a provider runs has no container whose parts one could have.
  void check_shared() {
    auto check = [&](const char* attribute, const std::string& other) {
      const Service* source = project_.find_service(other);
      if (source == nullptr || !has_provider(*source)) return;
      error(service_.place(attribute),
            fmt::format("shares with \"{}\" by {}, but a provider runs that: it has no container", other, attribute));
    };
    check("network_mode", service_reference(service_.network_mode));
    check("ipc", service_reference(service_.ipc));
    check("pid", service_reference(service_.pid));
    for (const std::string& from : service_.volumes_from) check("volumes_from", from.substr(0, from.find(':')));
  }

  void check_mounts() {
    std::set<std::string> targets;
    for (const Mount& mount : service_.volumes) {
      if (mount.target.empty()) continue;  // reported when it was read
      if (mount.type == Mount::Type::bind && mount.source.empty()) {
        error(mount.span, fmt::format("has a bind mount on {} without a source", mount.target));
      }
      if (mount.type == Mount::Type::volume && !mount.source.empty() && !project_.volumes.contains(mount.source)) {
        bool path = mount.source.find('/') != std::string::npos;
        error(mount.span, fmt::format("uses volume \"{}\", which is not defined", mount.source),
              path ? fmt::format("for a directory write ./{}", mount.source)
                   : suggestion(mount.source, project_.volumes));
      }
      if (mount.tmpfs && mount.tmpfs->size.value_or(0) < 0) {
        error(mount.span, fmt::format("has a tmpfs on {} with a size below 0", mount.target));
      }
      check_options(mount);
      targets.insert(mount.target);
    }
    for (const std::string& tmpfs : service_.tmpfs) {
      std::string target = tmpfs.substr(0, tmpfs.find(':'));
      if (!targets.insert(target).second) {
        error(service_.place("tmpfs"), fmt::format("mounts {} twice", target));
      }
    }
  }

  /// Options of another kind of mount mean nothing.
  void check_options(const Mount& mount) {
    auto warn = [&](bool there, Mount::Type type) {
      if (!there || mount.type == type) return;
      diagnostics_.warning(
          mount.span, fmt::format("service \"{}\" has {} options on a {} mount, where they mean nothing", service_.name,
                                  mount_type_name(type), mount_type_name(mount.type)));
    };
    warn(mount.bind.has_value(), Mount::Type::bind);
    warn(mount.volume.has_value(), Mount::Type::volume);
    warn(mount.tmpfs.has_value(), Mount::Type::tmpfs);
    warn(mount.image.has_value(), Mount::Type::image);
  }

  void check_grants(const std::vector<FileGrant>& grants, const std::map<std::string, FileObject>& known,
                    const char* kind) {
    for (const FileGrant& grant : grants) {
      if (grant.source.empty() || known.contains(grant.source)) continue;
      error(grant.span, fmt::format("uses {} \"{}\", which is not defined", kind, grant.source),
            suggestion(grant.source, known));
    }
  }

  void check_scale() {
    bool replicas = service_.deploy && service_.deploy->replicas;
    if (service_.scale && replicas && *service_.scale != *service_.deploy->replicas) {
      error(service_.place("scale"), fmt::format("has scale {} and deploy.replicas {}, which must agree",
                                                 *service_.scale, *service_.deploy->replicas));
    }
    if (service_.replicas() < 0) {
      error(service_.place(service_.scale ? "scale" : "deploy"), "cannot have fewer than 0 containers");
    }
    if (service_.container_name && service_.replicas() > 1) {
      error(service_.place("container_name"),
            fmt::format("has a container_name, so it cannot have {} containers", service_.replicas()));
    }
  }

  void check_equal(const char* attribute, std::optional<double> own, const char* other, std::optional<double> limit) {
    if (!own || !limit || std::fabs(*own - *limit) < 1e-9) return;
    error(service_.place(attribute), fmt::format("has {} and deploy.resources.{}, which must agree", attribute, other));
  }

  void check_range(const char* attribute, std::optional<int64_t> value, int64_t from, int64_t to) {
    if (!value || (*value >= from && *value <= to)) return;
    error(service_.place(attribute),
          fmt::format("has {} {}, which must be from {} to {}", attribute, *value, from, to));
  }

  void check_limits() {
    check_range("oom_score_adj", service_.oom_score_adj, -1000, 1000);
    check_range("mem_swappiness", service_.mem_swappiness, 0, 100);
    if (service_.cpus && service_.cpu_quota) error(service_.place("cpu_quota"), "has both cpus and cpu_quota");
    if (!service_.deploy || !service_.deploy->resources) return;
    const Resources& resources = *service_.deploy->resources;
    if (resources.limits) {
      check_equal("cpus", service_.cpus, "limits.cpus", resources.limits->cpus);
      check_equal("mem_limit", service_.mem_limit, "limits.memory", resources.limits->memory);
      check_equal("pids_limit", service_.pids_limit, "limits.pids", resources.limits->pids);
    }
    if (resources.reservations) {
      check_equal("mem_reservation", service_.mem_reservation, "reservations.memory", resources.reservations->memory);
    }
  }

  const Project& project_;
  const Service& service_;
  Diagnostics& diagnostics_;
};

void check_container_names(const Project& project, Diagnostics& diagnostics) {
  std::map<std::string, const Service*> owner;
  for (const auto& [name, service] : project.services) {
    if (!service.container_name) continue;
    auto [first, is_new] = owner.emplace(*service.container_name, &service);
    if (is_new) continue;
    diagnostics.error(service.place("container_name"),
                      fmt::format("service \"{}\" has the container_name \"{}\", and so has \"{}\"", name,
                                  *service.container_name, first->second->name));
  }
}

void check_cycle(const Project& project, Diagnostics& diagnostics) {
  StartGraph graph(project);
  const std::vector<std::string>& cycle = graph.cycle();
  if (cycle.size() <= 2) return;  // a service that depends on itself is reported by itself
  const StartGraph::Edge& edge = graph.dependencies(cycle[0]).at(cycle[1]);
  diagnostics.error(edge.span, fmt::format("services wait for each other: {}", join(cycle, " -> ")));
  for (size_t i = 1; i + 1 < cycle.size(); ++i) {
    diagnostics.note(graph.dependencies(cycle[i]).at(cycle[i + 1]).span,
                     fmt::format("\"{}\" depends on \"{}\" here", cycle[i], cycle[i + 1]));
  }
}

void check_object(const std::string& key, const FileObject& object, const char* kind, Diagnostics& diagnostics) {
  int sources = int{object.file.has_value()} + int{object.environment.has_value()} + int{object.content.has_value()};
  if (object.external) {
    if (sources > 0)
      diagnostics.error(object.span, fmt::format("{} \"{}\" is external, so it has no source here", kind, key));
    else
      diagnostics.unsupported(object.span,
                              fmt::format("{} \"{}\" is external, and there is no store of them", kind, key),
                              "use file or environment");
  } else if (sources != 1 && !object.driver) {
    diagnostics.error(
        object.span, fmt::format("{} \"{}\" needs exactly one source, and has {}", kind, key, sources),
        object.content || std::string_view(kind) == "config" ? "file, environment or content" : "file or environment");
  }
}

void check_resources(const Project& project, Diagnostics& diagnostics) {
  for (const auto& [key, volume] : project.volumes) {
    if (volume.external && (volume.driver || !volume.driver_opts.empty() || !volume.labels.empty())) {
      diagnostics.error(volume.span, fmt::format("volume \"{}\" is external, so only its name may be given", key));
    }
    if (volume.driver && *volume.driver != "local" && !volume.driver->empty()) {
      diagnostics.unsupported(volume.span,
                              fmt::format("volume \"{}\": there is no volume driver \"{}\"", key, *volume.driver),
                              "only \"local\" is there");
    }
  }
  for (const auto& [key, network] : project.networks) {
    std::string ipam = network.ipam ? network.ipam->driver.value_or("default") : "default";
    if (ipam != "default") {
      diagnostics.unsupported(network.span, fmt::format("network \"{}\": there is no ipam driver \"{}\"", key, ipam),
                              "only \"default\" is there");
    }
    if (network.external && (network.driver || network.ipam || network.internal || !network.driver_opts.empty())) {
      diagnostics.warning(network.span, fmt::format("network \"{}\" is external: all but its name is left aside", key));
    }
  }
  for (const auto& [key, secret] : project.secrets) check_object(key, secret, "secret", diagnostics);
  for (const auto& [key, config] : project.configs) check_object(key, config, "config", diagnostics);
}

}  // namespace

void validate(const Project& project, Diagnostics& diagnostics) {
  for (const auto& [name, service] : project.services) ServiceCheck(project, service, diagnostics).run();
  check_container_names(project, diagnostics);
  check_resources(project, diagnostics);
  check_cycle(project, diagnostics);
}

}  // namespace berth::compose
