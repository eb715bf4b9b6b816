#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "builder/build.h"
#include "builder/scope.h"
#include "builder/scratch.h"
#include "builder/tree.h"
#include "images/build_cache.h"
#include "images/config.h"
#include "images/layer_sink.h"

// One stage while it is built. Internal to builder/.

namespace berth::builder {

/// What a stage, or an image, is to the stages after it.
struct Built {
  images::ImageConfig config;
  std::vector<images::Descriptor> layers;  // lowest first
  std::vector<std::string> layer_dirs;     // topmost first
  images::Digest key;                      // of the file system
  Values args;                             // ARGs of a stage, which stages on top of it have too
};

/// Of what stages refer to each other by.
class Stages {
 public:
  virtual ~Stages() = default;
  /// Until the stage of that name, if it is one before this, is built. Error ECANCELED: it will never be.
  [[nodiscard]] virtual Status await(const std::string& name) = 0;
  /// A stage before this one, a named context or an image, which `step` wants. Error: none of them.
  [[nodiscard]] virtual Result<SourceTree> tree(const std::string& name, const std::string& step) = 0;
  [[nodiscard]] virtual const SourceTree& context() const = 0;
};

/// Builds one stage, instruction by instruction.
class StageBuild {
 public:
  struct Manner {
    std::string name;  // as it is shown
    size_t steps = 1;
    bool no_cache = false;
  };
  StageBuild(const BuildRequest& request, const BuildParts& parts, const images::ImportLease& lease, Stages& stages,
             Manner manner, Built base, Scope scope);

  /// False after a mistake, which is in the diagnostics.
  [[nodiscard]] bool carry_out(const dockerfile::Instruction& instruction);
  [[nodiscard]] Built take() {
    state_.args = scope_.args();
    return std::move(state_);
  }

 private:
  using Text = dockerfile::Text;

  // One for each instruction that is more than a value.
  [[nodiscard]] Status apply(const dockerfile::Arg& arg);
  [[nodiscard]] Status apply(const dockerfile::Env& env);
  [[nodiscard]] Status apply(const dockerfile::Label& label);
  [[nodiscard]] Status apply(const dockerfile::Run& run);
  [[nodiscard]] Status apply(const dockerfile::Copy& copy);
  [[nodiscard]] Status apply(const dockerfile::Cmd& cmd);
  [[nodiscard]] Status apply(const dockerfile::Entrypoint& entrypoint);
  [[nodiscard]] Status apply(const dockerfile::Expose& expose);
  [[nodiscard]] Status apply(const dockerfile::Healthcheck& check);
  [[nodiscard]] Status apply(const dockerfile::Maintainer& maintainer);
  [[nodiscard]] Status apply(const dockerfile::Shell& shell);
  [[nodiscard]] Status apply(const dockerfile::StopSignal& signal);
  [[nodiscard]] Status apply(const dockerfile::User& user);
  [[nodiscard]] Status apply(const dockerfile::Volume& volume);
  [[nodiscard]] Status apply(const dockerfile::Workdir& workdir);
  [[nodiscard]] Status apply(const dockerfile::Onbuild& onbuild);
  [[nodiscard]] Status apply(const dockerfile::From&) { return {}; }

  [[nodiscard]] std::string expanded(const Text& text) const;
  [[nodiscard]] std::vector<std::string> command(const dockerfile::Command& command) const;
  [[nodiscard]] std::vector<std::string> shell() const;
  [[nodiscard]] std::string created() const;
  /// The layer of the cache under the key, else the one that `make` puts into the store.
  [[nodiscard]] Status add_layer(const images::Digest& key, const std::function<Result<images::StoredLayer>()>& make);
  void add_history(const std::string& created_by, bool empty_layer, const std::string& created = {});
  void begin_step(const std::string& text);
  [[nodiscard]] Result<images::StoredLayer> store_copy(const SourceTree& tree, const struct CopyRequest& request);
  /// What ADD brings from the network, into `downloads`.
  [[nodiscard]] Result<std::vector<Source>> bring(const std::string& word, const dockerfile::Copy& copy,
                                                  std::optional<Scratch>& downloads);
  [[nodiscard]] Result<Source> clone(dockerfile::GitRemote remote, const dockerfile::Copy& copy,
                                     const std::string& directory);
  [[nodiscard]] Result<Source> download(const std::string& url, const dockerfile::Copy& copy,
                                        const std::string& directory);
  [[nodiscard]] Result<SourceTree> source_of(const dockerfile::Copy& copy);
  [[nodiscard]] Status take_owner(const std::string& chown, struct CopyRequest& request) const;

  const BuildRequest& request_;
  const BuildParts& parts_;
  const images::ImportLease& lease_;
  Stages& stages_;
  images::BuildCache cache_;
  Manner manner_;
  size_t step_ = 1;  // FROM is the first
  Built state_;
  Scope scope_;
  std::string text_;  // of the instruction at hand
  std::string step_text_;
  bool cmd_is_own_ = false, misses_cache_ = false;
};

}  // namespace berth::builder
