#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

#include "cli/commands.h"
#include "cli/project.h"
#include "compose/emit.h"
#include "compose/select.h"
#include "sys/file.h"

namespace berth::cli {
namespace {

struct Flags {
  std::vector<std::string> services_named;
  std::string format = "yaml", output;
  bool quiet = false, services = false, volumes = false, networks = false, images = false, profiles = false;
  bool no_interpolate = false, no_normalize = false, no_path_resolution = false, no_env_resolution = false,
       no_consistency = false;
};

std::string lines(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += name + "\n";
  return text;
}

std::string render(const Flags& flags, const Context& context, const compose::Project& project) {
  if (flags.services) return lines(compose::service_names(project));
  if (flags.volumes) return lines(compose::volume_names(project));
  if (flags.networks) return lines(compose::network_names(project));
  if (flags.images) return lines(compose::image_names(project));
  if (flags.profiles) return lines(compose::profile_names(project));
  compose::EmitOptions options;
  options.all_resources = context.all_resources;
  return flags.format == "json" ? compose::to_json(project, options) : compose::to_yaml(project, options);
}

int write_out(const Context& context, const Flags& flags, std::string text) {
  if (!text.empty() && text.back() != '\n') text += '\n';
  if (flags.quiet) return 0;
  if (flags.output.empty()) {
    fmt::print("{}", text);
    return 0;
  }
  if (Status written = sys::write_file_atomic(flags.output, text, sys::Durability::none); !written) {
    print_error(context, written.error());
    return 1;
  }
  return 0;
}

/// Without variables put in there are no services to choose from and no lists to make; the file is only shown.
int show_as_written(const Context& context, const Flags& flags, const compose::LoadRequest& request) {
  compose::DiskFiles files;
  Diagnostics diagnostics;
  std::optional<compose::Tree> model = compose::load_as_written(request, files, diagnostics);
  fmt::print(stderr, "{}", diagnostics.render(context.colour(2)));
  if (!model) return 1;
  return write_out(context, flags,
                   flags.format == "json" ? compose::json_text(*model, true) : compose::yaml_text(*model));
}

int run(const Context& context, const Flags& flags) {
  compose::LoadRequest request = load_request(context);
  request.services = flags.services_named;
  request.interpolate = !flags.no_interpolate;
  request.normalize = !flags.no_normalize;
  request.resolve_paths = !flags.no_path_resolution;
  request.resolve_environment = !flags.no_env_resolution;
  request.check_consistency = !flags.no_consistency;
  bool lists = flags.services || flags.volumes || flags.networks || flags.images || flags.profiles;
  if (flags.no_interpolate && !lists) return show_as_written(context, flags, request);
  compose::DiskFiles files;
  Diagnostics diagnostics;
  diagnostics.tolerate_unsupported();  // it is only shown
  std::optional<compose::Project> project = compose::load(request, files, diagnostics);
  fmt::print(stderr, "{}", diagnostics.render(context.colour(2)));
  if (!project) return 1;
  if (!flags.services_named.empty()) {
    Result<std::vector<std::string>> chosen =
        compose::select_services(*project, flags.services_named, compose::Follow::dependencies);
    if (!chosen) {
      print_error(context, chosen.error());
      return 1;
    }
    std::erase_if(project->services, [&](const auto& entry) {
      return std::find(chosen->begin(), chosen->end(), entry.first) == chosen->end();
    });
  }
  return write_out(context, flags, render(flags, context, *project));
}

}  // namespace

void add_config(CLI::App& app, Context& context) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("config", "Parse, resolve and render compose file in canonical format");
  command->alias("convert");
  command->add_option("SERVICE", flags->services_named, "Only these services and what they depend on");
  command->add_option("--format", flags->format, "Format the output")->check(CLI::IsMember({"yaml", "json"}));
  command->add_option("-o,--output", flags->output, "Save to file");
  command->add_flag("-q,--quiet", flags->quiet, "Only validate the configuration");
  command->add_flag("--services", flags->services, "Print the service names, one per line");
  command->add_flag("--volumes", flags->volumes, "Print the volume names, one per line");
  command->add_flag("--networks", flags->networks, "Print the network names, one per line");
  command->add_flag("--images", flags->images, "Print the image names, one per line");
  command->add_flag("--profiles", flags->profiles, "Print the profile names, one per line");
  command->add_flag("--no-interpolate", flags->no_interpolate, "Don't interpolate environment variables");
  command->add_flag("--no-normalize", flags->no_normalize, "Don't normalize the model");
  command->add_flag("--no-path-resolution", flags->no_path_resolution, "Don't resolve file paths");
  command->add_flag("--no-env-resolution", flags->no_env_resolution, "Don't resolve service env files");
  command->add_flag("--no-consistency", flags->no_consistency, "Don't check model consistency");
  command->callback([&context, flags] { context.command = [&context, flags] { return run(context, *flags); }; });
}

}  // namespace berth::cli
