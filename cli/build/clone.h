#pragma once

#include <string>

#include "base/result.h"
#include "cli/context.h"
#include "cli/helper.h"
#include "git/clone.h"

namespace berth::cli {

/// Has git::clone() done by a program of its own, `berth-build clone`: it ends at once when it is asked to, whatever
/// the network does meanwhile, and a mistake in reading what a repository says is not made here. `ssh_agent`: its
/// socket, or empty. What goes wrong is told on its stderr. Returns the commit.
[[nodiscard]] Result<std::string> clone(const Context& context, const git::CloneRequest& request,
                                        const std::string& ssh_agent, const HelperWatch& watch);

/// That program; the order is on standard input. Returns the exit code.
[[nodiscard]] int clone_program(const Context& context);

}  // namespace berth::cli
