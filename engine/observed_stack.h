#pragma once

// What the planner of `up` asks of what is there. Pure.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/plan_up.h"

namespace berth::engine {

/// The service's containers but for one-offs, by number; the newer first where two have the same number.
[[nodiscard]] std::vector<const Container*> replicas_there(const Stack& stack, const Observed& observed,
                                                           const std::string& service);

/// Why the container cannot have its name: another project's or another service's has it.
[[nodiscard]] std::optional<Error> name_clash(const Stack& stack, const Observed& observed,
                                              const CreateContainer& action, const std::string& place);

/// The container that "service:NAME" (of the project) or "container:NAME" (by name or id) means.
[[nodiscard]] std::optional<ContainerRef> lender_there(const Stack& stack, const Observed& observed,
                                                       const std::string& lender);

/// Whether a container that is there lives in those that it should (`lenders` by lenders_of() its service).
[[nodiscard]] bool lends_from(const ContainerRecord& record, const ServiceConfig& service,
                              const std::map<std::string, ContainerRef>& lenders);

/// Containers of services that the project does not have any more, by name.
[[nodiscard]] std::vector<const Container*> orphans_of(const Stack& stack, const Observed& observed,
                                                       const UpOptions& options);
/// Compose's words about those that stay.
[[nodiscard]] std::string orphan_warning(const std::vector<const Container*>& orphans);

/// A service of the stack that is made anew or restarted whenever `service` is, because it joins a container of it or
/// asks for it by depends_on.X.restart; "" if there is none.
[[nodiscard]] std::string bound_to(const Stack& stack, const std::string& service);

/// A warning that names containers of disabled services that run; "" if there are none.
[[nodiscard]] std::string disabled_running(const Stack& stack, const Observed& observed, const UpOptions& options);

}  // namespace berth::engine
