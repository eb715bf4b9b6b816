#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dockerfile/expand.h"
#include "dockerfile/instruction.h"
#include "images/platform.h"

namespace berth::builder {

using Values = std::map<std::string, std::string, std::less<>>;

/// What the command line and the machine say of variables, the same for all stages.
struct Given {
  Values build_args;
  images::Platform target, build;
  std::string stage;  // TARGETSTAGE
};

/// Variables that a place of the Dockerfile sees: ARG and ENV as given so far. Of one name the later one counts.
class Scope {
 public:
  /// Before the first FROM: platform arguments are there without being declared.
  explicit Scope(const Given& given);
  /// A stage: nothing of the global ARGs unless declared again; `env` is the base's, `args` those of a stage below it.
  Scope(const Given& given, const Scope& global, const std::vector<std::string>& env, Values args);

  /// ARG: --build-arg wins over the default, which wins over the global one.
  void declare(const std::string& name, const std::optional<std::string>& fallback);
  /// ENV.
  void set_env(const std::string& name, const std::string& value);

  [[nodiscard]] std::optional<std::string> find(std::string_view name) const;
  [[nodiscard]] dockerfile::Lookup lookup() const;
  [[nodiscard]] const Values& args() const { return args_; }
  /// NAME=value in the image's order.
  [[nodiscard]] const std::vector<std::string>& env() const { return env_; }
  /// The same and the ARGs, as a RUN sees them; proxies that were given as build arguments too.
  [[nodiscard]] std::vector<std::string> run_env() const;

 private:
  [[nodiscard]] std::optional<std::string> env_value(std::string_view name) const;

  const Given& given_;
  const Scope* global_ = nullptr;
  Values args_;
  std::vector<std::string> env_;
};

}  // namespace berth::builder
