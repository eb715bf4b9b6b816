#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/build_output.h"
#include "cli/context.h"

namespace berth::cli {

/// One image to build: what `berth` asks of `berth-build`. A list of them travels as JSON on the standard input of
/// `berth-build jobs`.
struct BuildJob {
  struct SecretSource {
    std::string file, variable;          // one of them, or
    std::optional<std::string> content;  // this
  };
  std::string name;                        // for messages: the service; empty for `image build`
  std::string context;                     // directory, address of a repository, URL, or "-" for standard input
  std::string dockerfile;                  // path, relative to the context or absolute, URL, "-"; empty = Dockerfile
  std::optional<std::string> inline_file;  // its text
  std::map<std::string, std::optional<std::string>> args;  // no value: the environment's
  std::map<std::string, std::string> labels, annotations, additional_contexts, ssh;
  std::map<std::string, SecretSource> secrets;
  std::vector<std::string> tags, extra_hosts, ulimits, platforms;
  std::vector<BuildOutput> outputs;          // none: the image store
  std::vector<std::string> no_cache_filter;  // stages that are built without the cache
  std::string target, network;
  std::string iidfile, metadata_file;  // where the image's id and more about it are written; empty: nowhere
  int64_t shm_size = 0;                // bytes; 0 = the default
  bool no_cache = false, pull = false, allow_insecure = false, allow_host_network = false;
};

struct BuildOrder {
  std::vector<BuildJob> jobs;  // one may be built on the images of those before it
  bool quiet = false, check = false;
  int trace = -1;                     // descriptor for trace::write_span(), which it inherits; -1 = nobody asks
  std::vector<std::string> warnings;  // of the command line
};

/// Declared for all who call carry_out(): one of its forms takes JSON, so the compiler asks whether this is any.
void to_json(nlohmann::json& json, const BuildOrder& order);
[[nodiscard]] std::string to_json_text(const BuildOrder& order);
[[nodiscard]] Result<BuildOrder> build_order_from_json(const std::string& text);

/// Has it done, and waits. What it does and what goes wrong is told on stderr. Returns the exit code: 0, 1, or 130
/// after a SIGINT or SIGTERM.
[[nodiscard]] Result<int> carry_out(const Context& context, const BuildOrder& order);

}  // namespace berth::cli
