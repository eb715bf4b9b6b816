#pragma once

// The pre_start hooks of services: commands in containers of their own, one after the other, before a service's first
// start. `up` and `create` make the containers; who starts the service for the first time runs them.

#include <map>
#include <string>

#include "engine/plan_up.h"

namespace berth::engine {

/// PROJECT-SERVICE-pre_start-0, as Compose calls it.
[[nodiscard]] std::string pre_start_name(const std::string& project, const std::string& service, size_t hook);

/// The hook's container as if it were a service: all is as its service has it, but for what the hook says, and for what
/// belongs to one who serves (published ports, probes, restarts). It has the mounts of the service's first container if
/// it can borrow them.
[[nodiscard]] ServiceConfig pre_start_service(const ServiceConfig& service, size_t hook, bool borrows);

/// Whom it borrows from: the key among its lenders.
[[nodiscard]] std::string pre_start_lender(const std::string& service);

/// The containers of a service's hooks that are there, by hook.
[[nodiscard]] std::map<size_t, const Container*> pre_starts_there(const std::string& project, const Observed& observed,
                                                                  const std::string& service);

}  // namespace berth::engine
