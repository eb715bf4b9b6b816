#pragma once

#include <sys/types.h>

#include <set>
#include <string>
#include <vector>

#include "cli/doctor/thing.h"

namespace berth::cli::doctor {

/// Numbers of all processes there are.
[[nodiscard]] std::vector<pid_t> all_processes();

/// Its arguments; empty if it has gone.
[[nodiscard]] std::vector<std::string> arguments_of(pid_t pid);

/// A variable of the environment that it was started with; "" if it has none.
[[nodiscard]] std::string variable_of(pid_t pid, const std::string& name);

/// "net:[4026531840]", …: those of its namespaces that are not ours.
[[nodiscard]] std::set<std::string> namespaces_of(pid_t pid);

/// The process as a thing of nobody's yet; --fix kills it.
[[nodiscard]] Thing process_thing(pid_t pid);

}  // namespace berth::cli::doctor
