#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/context.h"
#include "compose/model.h"
#include "engine/config.h"

namespace berth::cli {

/// A container of no project, as a Compose model of one service: what a value means, what is wrong with it and what
/// becomes of it are known there. Keeps which flag each value comes from, so that mistakes are told of the flag.
class ContainerModel {
 public:
  using Json = nlohmann::ordered_json;

  /// `name`: the container's, and its service's.
  explicit ContainerModel(std::string name);

  [[nodiscard]] const std::string& name() const { return name_; }

  /// Sets the service's attribute: "/healthcheck/interval" (a JSON pointer).
  void set(const std::string& attribute, Json value, const std::string& flag);
  /// Adds to the list or map that the attribute is.
  void add(const std::string& attribute, Json value, const std::string& flag);
  void add(const std::string& attribute, const std::string& key, Json value, const std::string& flag);
  /// Declares what the service uses: ("networks", "back", {…}).
  void declare(const char* kind, const std::string& key, Json value, const std::string& flag);

  struct Lowered {
    compose::Project project;
    engine::Stack stack;  // of no project, with this one service
  };
  /// Prints what is wrong or doubtful. Nothing if it cannot be used.
  [[nodiscard]] std::optional<Lowered> lower(const Context& context) const;

 private:
  [[nodiscard]] std::string pointer(const std::string& attribute) const;

  std::string name_;
  Json model_;
  std::map<std::string, std::string> flags_;  // by JSON pointer
};

}  // namespace berth::cli
