#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/diagnostics.h"
#include "compose/files.h"
#include "compose/model.h"
#include "compose/scope.h"

namespace berth::compose {

/// What the command line and the process say about which project to load.
struct LoadRequest {
  std::vector<std::string> files;      // -f, in order; "-" = standard input; empty = COMPOSE_FILE or search upward
  std::string project_directory;       // --project-directory; "" = directory of the first file
  std::string project_name;            // -p; "" = COMPOSE_PROJECT_NAME, `name:`, or the directory's name
  std::vector<std::string> profiles;   // --profile; empty = COMPOSE_PROFILES
  std::vector<std::string> env_files;  // --env-file; empty = COMPOSE_ENV_FILES or .env
  std::vector<std::string> services;   // named on the command line: their profiles become active
  std::string working_directory;       // absolute
  std::map<std::string, std::string> environment;  // of the process

  bool interpolate = true;          // false: variables stay as they are; values must make sense nevertheless
  bool normalize = true;            // false: --no-normalize: no default network, no names filled in
  bool resolve_paths = true;        // false: --no-path-resolution
  bool resolve_environment = true;  // false: --no-env-resolution: env_file stays unread
  bool check_consistency = true;    // false: --no-consistency
};

/// The request of this process: its working directory and environment, nothing else set.
[[nodiscard]] LoadRequest request_of_process();

/// Values by their path, each with the ones that it took the place of.
using Removed = std::vector<std::pair<std::string, Tree>>;

/// What the files say together, before it is bound to types: for those who show it as it was written, or tell where a
/// value came from.
struct Model {
  Tree tree;  // one tree, merged, in long form, each node with its place
  std::string name;
  Scope scope;                // variables, and where those that a file set were set
  Strings files;              // absolute, or "-"
  Strings environment_files;  // of the project; those read
  /// Values of variables that secrets and configs of included models name and that only these models see:
  /// {"secrets.db" -> {variable, value}}.
  std::map<std::string, std::pair<std::string, std::string>> included_values;
  Tree references;  // a list: what `include` and `extends` say where variables are not put in but there
  Removed removed;  // what `!reset` took away
};

/// The first half of load(): nothing only where there is no tree at all. Mistakes may be there beside a result.
[[nodiscard]] std::optional<Model> load_model(const LoadRequest& request, FileSource& files, Diagnostics& diagnostics);
/// The second half: types, profiles, rules, names, env_file.
[[nodiscard]] std::optional<Project> bind_model(Model model, const LoadRequest& request, FileSource& files,
                                                Diagnostics& diagnostics);

/// Reads the project. All that is wrong goes to `diagnostics` with its place, as many mistakes as can be found in one
/// run; nothing is returned if there was an error. Warnings may be there beside a result.
///
/// env_file is folded into the environment of the services that will be used: all enabled ones, or with
/// `request.services` those and what they depend on. Reading variables of the tool itself (COMPOSE_...) out of .env:
/// they are in Project::environment.
[[nodiscard]] std::optional<Project> load(const LoadRequest& request, FileSource& files, Diagnostics& diagnostics);

/// The same without variables put in, which leaves values that cannot be understood: ports as `${PORT}:80`. So it is a
/// tree: merged, in long form as far as that is possible, with the project's name and its default network. Keys are
/// checked, and values without a variable; rules between parts of the project are not.
[[nodiscard]] std::optional<Tree> load_as_written(const LoadRequest& request, FileSource& files,
                                                  Diagnostics& diagnostics);

}  // namespace berth::compose
