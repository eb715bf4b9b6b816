#pragma once

#include <functional>
#include <map>
#include <optional>
#include <semaphore>
#include <string>
#include <vector>

#include "base/diagnostics.h"
#include "base/result.h"
#include "builder/scope.h"
#include "builder/shared_steps.h"
#include "builder/step_network.h"
#include "dockerfile/git_remote.h"
#include "dockerfile/ignore.h"
#include "dockerfile/instruction.h"
#include "images/store.h"
#include "runtime/host.h"
#include "runtime/spec.h"
#include "sys/paths.h"

namespace berth::builder {

/// A secret that RUN may mount: a file of the host, or a value.
struct Secret {
  std::string file;
  std::optional<std::string> value;
};

struct BuildRequest {
  std::string name;  // shown before the stage's, where several are built at once
  dockerfile::Dockerfile file;
  std::string context;  // directory on the host
  dockerfile::IgnoreRules ignore;
  std::map<std::string, std::string> named_contexts;  // as BuildParts::context takes them
  Values build_args;
  std::string target;  // stage; empty = the last
  std::vector<std::string> tags;
  std::map<std::string, std::string> labels, annotations;
  bool publish = true;  // false: no image in the store, with or without a name
  std::map<std::string, Secret> secrets;
  std::map<std::string, std::string> ssh;  // id, path of the agent's socket
  bool no_cache = false;
  std::vector<std::string> no_cache_filter;  // the same for these stages only
  bool allow_insecure = false;               // RUN --security=insecure may be what it says
  bool allow_host_network = false;           // RUN --network=host too
  std::string network;                       // of RUN: "", default, host, none, or the name of a network
  std::vector<std::pair<std::string, std::string>> extra_hosts;
  uint64_t shm_size = 64 << 20;
  std::vector<runtime::Rlimit> rlimits;
  std::optional<images::Platform> platform;
  std::optional<int64_t> epoch;  // SOURCE_DATE_EPOCH: all times are this, seconds since 1970
};

enum class StepEnd { done, cached, failed, cancelled };

/// Told what a build does, by several threads at once. Steps are named as they are shown: "[web 3/7] RUN make".
class BuildEvents {
 public:
  virtual ~BuildEvents() = default;
  virtual void begun(const std::string& step) = 0;
  virtual void output(const std::string& step, std::string_view bytes) = 0;
  virtual void ended(const std::string& step, StepEnd how) = 0;
};

/// What a named context turns out to be.
struct NamedContext {
  std::string directory;  // on the host, or
  std::optional<images::Image> image;
};

/// What the builds of one process share.
struct BuildShare {
  explicit BuildShare(std::ptrdiff_t runs_at_once) : runs(runs_at_once) {}
  std::counting_semaphore<> runs;  // RUN steps that may still begin
  SharedSteps steps;
};

/// The functions are called by several threads at once. `step` is who wants it, for messages meanwhile.
struct BuildParts {
  images::Store& store;
  runtime::Host& host;
  const sys::Paths& paths;
  BuildShare& share;
  BuildEvents& events;
  Diagnostics& diagnostics;
  /// An image by reference, brought in where it is missing.
  std::function<Result<images::Image>(const std::string& reference, const std::optional<images::Platform>& platform,
                                      const std::string& step)>
      image;
  /// The URL's content into a file that is not there yet; its time where the server tells one.
  std::function<Status(const std::string& url, const std::string& file, const std::string& step)> fetch;
  /// A named context, by what it was given as. Directories last as long as the build.
  std::function<Result<NamedContext>(const std::string& value, const std::optional<images::Platform>& platform,
                                     const std::string& step)>
      context;
  /// The files of a git repository into an empty directory. Returns the commit.
  std::function<Result<std::string>(const dockerfile::GitRemote& remote, bool keep_git_dir,
                                    const std::string& directory, const std::string& step)>
      clone;
  /// What a RUN step with this network ("", "default", "host", "none", a name) lives in. Made when one runs, not
  /// before.
  std::function<Result<StepNetwork>(const std::string& name)> network;
  std::function<bool()> cancelled;
};

/// Builds the stages that the target needs, side by side where they do not need each other, and publishes the result
/// under the request's tags. Mistakes of the Dockerfile that show only now go to the diagnostics with their place, and
/// so does the instruction of the first step that fails, which ends the others; the result is then nothing. On error
/// nothing half-built stays but layers that the cache knows. Safe for several threads. Requires: a BuildLock, and a
/// mount namespace of our own.
[[nodiscard]] std::optional<images::Image> build(const BuildRequest& request, const BuildParts& parts);

}  // namespace berth::builder
