#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/diagnostics.h"
#include "compose/files.h"
#include "compose/load.h"
#include "compose/model.h"
#include "compose/scope.h"

namespace berth::compose {

// The passes that load() is made of, beside those of parse.h, interpolate.h and attrs.h.

struct Table;

/// A path as the user wrote it, made absolute and clean: "~" is HOME, everything else hangs below `base`.
[[nodiscard]] std::string absolute_path(const std::string& path, const std::string& base,
                                        const Environment& environment);

/// What an absolute path is called in messages: relative to the working directory where it lies below.
[[nodiscard]] std::string display_path(const std::string& path, const std::string& working_directory);

/// The directory that a file is in.
[[nodiscard]] std::string parent_directory(const std::string& path);
/// Whether a name of a compose file is that of something on the web; such are not read.
[[nodiscard]] bool is_remote_file(const std::string& name);

/// Which files make the project and which variables they see.
struct Sources {
  Strings files;              // absolute, or "-"
  Strings environment_files;  // those read
  Scope scope;
};
/// Finds the compose files and reads the files of variables that belong to them. Nothing after an error.
[[nodiscard]] std::optional<Sources> find_sources(const LoadRequest& request, FileSource& files,
                                                  Diagnostics& diagnostics);

/// The name for `-p` and COMPOSE_PROJECT_NAME must be normal already; the others are made so. "" after an error.
[[nodiscard]] std::string project_name(const LoadRequest& request, const Sources& sources,
                                       const std::vector<Tree>& documents, Diagnostics& diagnostics);
/// Lower case, without characters outside of [a-z0-9_-] and without leading "_" and "-".
[[nodiscard]] std::string normal_project_name(std::string_view text);

/// Makes the host paths of one document absolute. Long form is required.
void resolve_tree_paths(Tree& document, const std::string& base, const Environment& environment);

/// Drops repetitions inside the lists of one document, by the rules that hold between documents.
void drop_repetitions(Tree& tree, const Table& table);
/// Takes out what `!reset` left behind: the directives have been followed. Puts it into `removed` by its path.
void settle(Tree& tree);
void settle(Tree& tree, Removed& removed);

/// Decides which services are enabled; moves the others to disabled_services.
void apply_profiles(Project& project, const LoadRequest& request);

/// Fills in what follows from what is written: names, the default network, implicit dependencies, bare variables.
void normalize(Project& project);

/// Rules across attributes, services and resources.
void validate(const Project& project, Diagnostics& diagnostics);

/// Folds env_file into `environment` and label_file into `labels` of these services and empties them.
void fold_files(Project& project, const std::vector<std::string>& services, FileSource& files,
                const std::string& working_directory, Diagnostics& diagnostics);

}  // namespace berth::compose
