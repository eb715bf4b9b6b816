#pragma once

#include <nlohmann/json_fwd.hpp>

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "oci/node.h"
#include "runtime/spec.h"
#include "sys/fd.h"

namespace berth::oci {

/// The latest version of the specification whose features are known here.
inline constexpr char kSpecVersion[] = "1.2.1";

/// Hooks that run in the namespaces of the runtime, where the state is told on their standard input.
struct Hooks {
  std::vector<runtime::Hook> prestart, create_runtime, poststart, poststop;
};

/// A bundle's config.json in the words of runtime/.
struct Config {
  runtime::ContainerSpec spec;
  std::vector<sys::UniqueFd> namespaces;  // those to join, which the spec borrows
  int netns = -1;                         // one of them, or -1
  bool terminal = false;
  Hooks hooks;
  std::map<std::string, std::string> annotations;
  std::vector<std::string> warnings;
};

/// What is not in the file.
struct Surroundings {
  std::string id;
  std::string bundle;         // absolute
  std::string seccomp_cache;  // where compiled profiles are kept; "" = nowhere
  bool pivot = true;
  bool keyring = true;
  unsigned preserved = 0;
};

/// Reads the text of a config.json. Everything of the specification is either in the result or an error that names it
/// by a JSON pointer; what the specification does not know is a warning. Opens the namespaces to join.
[[nodiscard]] Result<Config> read_config(const std::string& text, const Surroundings& surroundings);

/// What `exec` needs of the container that it enters: its spec as far as seccomp and root go, and its process.
struct ExecConfig {
  runtime::ContainerSpec spec;
  runtime::ExecSpec process;  // as config.json has it, or as the text of a process.json says
  bool terminal = false;
  std::vector<std::string> warnings;
};
[[nodiscard]] Result<ExecConfig> read_exec_config(const std::string& config, const std::string& process,
                                                  const Surroundings& surroundings);

/// The limits of a `linux.resources` object, as `update` gets it.
[[nodiscard]] Result<runtime::Resources> read_resources(const std::string& text);

/// Where a container's control groups are: `path` as config.json has it, below the root of each hierarchy.
[[nodiscard]] std::string cgroup_path(const std::string& path, const std::string& id);

/// The same, of the text of a config.json.
[[nodiscard]] Result<std::string> cgroup_path_in(const std::string& config, const std::string& id);

// Parts, each in a file of its own. They complain to the node.

struct Process {
  std::vector<std::string> args, env;
  std::string cwd;
  runtime::ProcessAttributes attributes;
  std::optional<int> oom_score_adj;
  bool terminal = false;
  uint16_t rows = 0, columns = 0;
};
[[nodiscard]] Process process_from(const Node& node);
void add_mounts(const Node& mounts, runtime::ContainerSpec& spec, const std::string& bundle);
void add_linux(const Node& linux_part, Config& config, const std::string& cache);
void add_devices(const Node& devices, runtime::ContainerSpec& spec);
void add_namespaces(const Node& linux_part, Config& config);
void add_resources(const Node& resources, runtime::ContainerSpec& spec);
void add_seccomp(const Node& seccomp, runtime::ContainerSpec& spec, const std::string& cache);
[[nodiscard]] std::vector<runtime::Hook> hooks_from(const Node& list);
[[nodiscard]] std::vector<runtime::IdMap> id_map_from(const Node& list);

}  // namespace berth::oci
