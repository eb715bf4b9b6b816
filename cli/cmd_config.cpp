#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "cli/commands.h"
#include "cli/config_lists.h"
#include "cli/output_file.h"
#include "cli/project.h"
#include "compose/emit.h"
#include "compose/explain.h"
#include "compose/select.h"

namespace berth::cli {
namespace {

struct ConfigFlags {
  std::vector<std::string> services_named;
  std::string format, output, hash, explain;
  bool quiet = false, services = false, volumes = false, networks = false, models = false, images = false,
       profiles = false, environment = false, variables = false;
  bool no_interpolate = false, no_normalize = false, no_path_resolution = false, no_env_resolution = false,
       no_consistency = false;
  bool resolve_digests = false, lock_digests = false;
};

std::string lines(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += name + "\n";
  return text;
}

compose::LoadRequest request_for(const Context& context, const ConfigFlags& flags) {
  compose::LoadRequest request = load_request(context);
  request.services = flags.services_named;
  request.interpolate = !flags.no_interpolate;
  request.normalize = !flags.no_normalize;
  request.resolve_paths = !flags.no_path_resolution;
  request.resolve_environment = !flags.no_env_resolution;
  request.check_consistency = !flags.no_consistency;
  return request;
}

/// One run of `config`: what the flags ask for, as text.
class Config {
 public:
  Config(const Context& context, const ConfigFlags& flags) : context_(context), flags_(flags) {
    diagnostics_.tolerate_unsupported();  // it is only shown
  }

  int run() {
    Result<std::string> text = show();
    fmt::print(stderr, "{}", diagnostics_.render(context_.colour(STDERR_FILENO)));
    if (diagnostics_.has_errors()) return 1;
    if (!text) return report(context_, text.error());
    if (flags_.quiet && text->empty()) return 0;
    if (flags_.output.empty()) {
      fmt::print("{}", *text);
      return 0;
    }
    return report(context_, save_text(flags_.output, *text));
  }

 private:
  /// "" with an error in diagnostics_ where the files cannot be loaded.
  Result<std::string> show() {
    compose::LoadRequest request = request_for(context_, flags_);
    if (flags_.no_interpolate && !names_asked() && !flags_.variables) return as_written(request);
    if (flags_.variables && !lists_asked()) request.interpolate = false;
    std::optional<compose::Model> model = compose::load_model(request, files_, diagnostics_);
    if (!model) return std::string();
    if (flags_.variables && !lists_asked()) {
      return diagnostics_.has_errors() ? std::string() : variable_list(*model, flags_.format);
    }
    // Also of a model with mistakes: binding finds the rest of them.
    compose::Model for_binding = flags_.explain.empty() ? std::move(*model) : *model;
    std::optional<compose::Project> project =
        compose::bind_model(std::move(for_binding), request, files_, diagnostics_);
    if (!project) return std::string();
    BERTH_TRY_OK(keep_named(*project));
    if (names_asked()) return names(*project);
    if (!flags_.explain.empty()) return explain(*model, *project);
    return whole(*project);
  }

  /// Without variables put in there are no services to choose from; the files are only shown.
  Result<std::string> as_written(const compose::LoadRequest& request) {
    std::optional<compose::Tree> tree = compose::load_as_written(request, files_, diagnostics_);
    if (!tree || flags_.quiet) return std::string();
    return flags_.format == "json" ? compose::json_text(*tree, true) + "\n" : compose::yaml_text(*tree);
  }

  [[nodiscard]] bool lists_asked() const {
    return flags_.services || flags_.volumes || flags_.networks || flags_.models || !flags_.hash.empty() ||
           flags_.profiles || flags_.images;
  }
  [[nodiscard]] bool names_asked() const { return lists_asked() || flags_.environment; }

  Status keep_named(compose::Project& project) const {
    if (flags_.services_named.empty()) return {};
    BERTH_TRY(std::vector<std::string> chosen,
              compose::select_services(project, flags_.services_named, compose::Follow::dependencies));
    std::erase_if(project.services, [&](const auto& entry) {
      return std::find(chosen.begin(), chosen.end(), entry.first) == chosen.end();
    });
    return {};
  }

  /// Of several flags the first one here is heard, as in Docker Compose.
  [[nodiscard]] Result<std::string> names(const compose::Project& project) const {
    if (flags_.services) return lines(compose::service_names(project));
    if (flags_.volumes) return lines(compose::volume_names(project));
    if (flags_.networks) return lines(compose::network_names(project));
    if (flags_.models) return lines(compose::model_names(project));
    if (!flags_.hash.empty()) return hash_lines(context_, project, flags_.hash);
    if (flags_.profiles) return lines(compose::profile_names(project));
    if (flags_.images) return lines(compose::image_names(project));
    return environment_lines(project);
  }

  [[nodiscard]] Result<std::string> explain(const compose::Model& model, const compose::Project& project) const {
    BERTH_TRY(std::vector<compose::Explanation> found, compose::explain(model, project, diagnostics_, flags_.explain));
    return flags_.format == "json" ? compose::explanation_json(found) : compose::explanation_text(found);
  }

  [[nodiscard]] Result<std::string> whole(compose::Project& project) const {
    if (flags_.resolve_digests || flags_.lock_digests) BERTH_TRY_OK(pin_images(context_, project));
    if (flags_.quiet) return std::string();
    if (flags_.lock_digests) return image_lock(project, flags_.format);
    compose::EmitOptions options;
    options.all_resources = context_.all_resources;
    return flags_.format == "json" ? compose::to_json(project, options) : compose::to_yaml(project, options);
  }

  const Context& context_;
  const ConfigFlags& flags_;
  compose::DiskFiles files_;
  Diagnostics diagnostics_;
};

void add_lists(Command command, ConfigFlags& flags) {
  command.flag("--services", flags.services, "Print the service names, one per line");
  command.flag("--volumes", flags.volumes, "Print the volume names, one per line");
  command.flag("--networks", flags.networks, "Print the network names, one per line");
  command.flag("--models", flags.models, "Print the model names, one per line");
  command.option("--hash", flags.hash, "Print the service config hash, one per line: SERVICE,... or '*' for all");
  command.flag("--profiles", flags.profiles, "Print the profile names, one per line");
  command.flag("--images", flags.images, "Print the image names, one per line");
  command.flag("--environment", flags.environment, "Print the variables that the files see, NAME=value");
  command.flag("--variables", flags.variables, "Print the variables that the files name, with their defaults");
  command.option("--explain", flags.explain, "Tell where a value came from and what it overrode: services.web.ports");
}

void add_ways(Command command, ConfigFlags& flags) {
  command.flag("--no-interpolate", flags.no_interpolate, "Don't interpolate environment variables");
  command.flag("--no-normalize", flags.no_normalize, "Don't normalize the model");
  command.flag("--no-path-resolution", flags.no_path_resolution, "Don't resolve file paths");
  command.flag("--no-env-resolution", flags.no_env_resolution, "Don't resolve service env files");
  command.flag("--no-consistency", flags.no_consistency, "Don't check model consistency");
  command.flag("--resolve-image-digests", flags.resolve_digests, "Pin image tags to digests of the local images");
  command.flag("--lock-image-digests", flags.lock_digests, "Print an override file with image digests");
}

}  // namespace

void add_config(Command app, Context& context) {
  auto flags = std::make_shared<ConfigFlags>();
  Command command = app.add_command("config", "Parse, resolve and render compose file in canonical format");
  command.alias("convert");
  command.option("SERVICE", flags->services_named, "Only these services and what they depend on");
  command.option("--format", flags->format, "Format the output").one_of({"yaml", "json"});
  command.option("-o,--output", flags->output, "Save to file");
  command.flag("-q,--quiet", flags->quiet, "Only validate the configuration");
  add_lists(command, *flags);
  add_ways(command, *flags);
  command.dry_runs(context);
  command.runs(context, [&context, flags] { return Config(context, *flags).run(); });
}

}  // namespace berth::cli
