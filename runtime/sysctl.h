#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "runtime/spec.h"

namespace berth::runtime {

/// The spec's sysctls as {path below /proc, value}, in order, after Docker's own defaults for a private network
/// namespace. Error: one that is not confined to a namespace of the container's own, or whose name or value could
/// smuggle in another (CVE-2022-0811).
[[nodiscard]] Result<std::vector<std::pair<std::string, std::string>>> plan_sysctls(const ContainerSpec& spec,
                                                                                    bool own_network);

}  // namespace berth::runtime
