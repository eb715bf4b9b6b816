#pragma once

#include <string>
#include <vector>

#include "compose/model.h"

namespace berth::compose {

struct EmitOptions {
  bool escape_dollar = true;   // `$` as `$$`, so that the output may be read back; false with --no-interpolate
  bool all_resources = false;  // also networks, volumes, ... that no enabled service uses
};

/// `config`: the project in Docker Compose's normal form, keys sorted. Reading the text back gives the same text.
[[nodiscard]] std::string to_yaml(const Project& project, const EmitOptions& options = {});
[[nodiscard]] std::string to_json(const Project& project, const EmitOptions& options = {});
[[nodiscard]] Tree to_tree(const Project& project, const EmitOptions& options = {});

/// One line of JSON with sorted keys, stable across runs and versions of the host: the source of the config hash.
/// `$` is not doubled. What does not change a container is left out: build, pull_policy, scale, deploy.replicas,
/// depends_on, profiles.
[[nodiscard]] std::string service_json(const Service& service);
[[nodiscard]] std::string network_json(const Network& network);
[[nodiscard]] std::string volume_json(const Volume& volume);

/// The lists of `config --services`, `--volumes`, `--networks`, `--images`, `--profiles`, sorted, without repetition.
[[nodiscard]] std::vector<std::string> service_names(const Project& project);
[[nodiscard]] std::vector<std::string> volume_names(const Project& project);
[[nodiscard]] std::vector<std::string> network_names(const Project& project);
/// An image per service; "<project>-<service>" for one that is only built.
[[nodiscard]] std::vector<std::string> image_names(const Project& project);
[[nodiscard]] std::vector<std::string> model_names(const Project& project);
/// All profiles that any service names, active or not.
[[nodiscard]] std::vector<std::string> profile_names(const Project& project);

/// A tree as text. YAML in block style; JSON on one line, or indented.
[[nodiscard]] std::string yaml_text(const Tree& tree);
[[nodiscard]] std::string json_text(const Tree& tree, bool indent);

}  // namespace berth::compose
