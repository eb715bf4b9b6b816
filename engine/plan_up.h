#pragma once

#include <set>
#include <string>

#include "engine/plan.h"

namespace berth::engine {

/// A container beside a service's replicas, for one command.
struct OneOff {
  std::string service;  // empty = there is none
  std::string name;     // of the container
  bool auto_remove = false;
};

struct UpOptions {
  bool force_recreate = false;
  bool no_recreate = false;
  bool always_recreate_deps = false;  // --force-recreate of what was not named
  bool renew_anonymous_volumes = false;
  std::set<std::string> named;             // services that the user has named; empty = all
  std::set<std::string> recreate_volumes;  // names of those that may be made anew, with the loss of their data
  bool no_start = false;                   // create only
  bool remove_orphans = false;
  bool ignore_orphans = false;
  bool wait = false;  // end only when everything is running or healthy
  std::optional<int64_t> wait_timeout_ns;
  std::optional<int64_t> stop_timeout_ns;
  /// Services of the project that are not in the stack (not selected, or disabled by a profile): their containers are
  /// no orphans.
  std::set<std::string> other_services;
  /// Those of them that no active profile enables, where all others are meant: {service, a profile that would}. The
  /// plan's warnings name their containers that run on.
  StringMap disabled;
  /// Instead of the replicas of its service, which stay as they are, this one container is created and started.
  OneOff one_off;
};

/// From what is there to what is wanted. Pure; `hash_of` gives the config hash of a service (engine/hash.h).
[[nodiscard]] Plan plan_up(const Stack& stack, const Observed& observed, const UpOptions& options);

/// SHA-256 in hex of everything in the configuration that a running container cannot be changed in.
[[nodiscard]] std::string config_hash(const ServiceConfig& service);

[[nodiscard]] std::string container_name(const Stack& stack, const ServiceConfig& service, int64_t number);

}  // namespace berth::engine
