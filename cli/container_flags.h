#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/command_line.h"
#include "cli/container_model.h"
#include "cli/container_networks.h"

namespace berth::cli {

/// The flags of Docker's `run` and `create` that say what the container is: each is an attribute of Compose's language
/// (container_flags.cpp has the table), but for those about networks.
class ContainerFlags {
 public:
  /// Values go to this object, which must live until the command line has been parsed.
  void add_to(Command command);

  /// Puts everything into the model. Error: a flag that is not supported or whose form is not understood.
  [[nodiscard]] Status apply(ContainerModel& model) const;

  /// What a flag was given, by its long name: "--link".
  [[nodiscard]] const std::vector<std::string>& values(const std::string& flag) const { return values_.at(flag); }
  /// By its long name: "--tty".
  [[nodiscard]] bool is_set(const std::string& flag) const;

 private:
  // What was given, by the flags' long names.
  std::map<std::string, std::vector<std::string>> values_;
  std::map<std::string, std::string> truths_;
  NetworkFlags networks_;
};

}  // namespace berth::cli
