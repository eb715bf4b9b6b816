#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/plan_up.h"

namespace berth::engine {

/// Why a container that is there has to be made anew.
struct Divergence {
  std::string why;
  std::vector<Change> changes;
};

/// What a container of a service should be like.
struct Expectation {
  const ServiceConfig& service;
  std::string hash;                             // config_hash(service)
  std::map<std::string, ContainerRef> lenders;  // by lenders_of() the service; without an id: made anew
  const std::set<std::string>& made_volumes;    // that were missing
};

/// Nothing: it can stay. Pure.
[[nodiscard]] std::optional<Divergence> divergence(const Container& container, const Expectation& expected,
                                                   const UpOptions& options);

}  // namespace berth::engine
