#pragma once

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/command_line.h"
#include "cli/context.h"
#include "engine/plan_prune.h"
#include "engine/state.h"
#include "volumes/store.h"

namespace berth::cli {

/// The noun `volume` with all that stands below it, and Compose's `volumes`.
void add_volumes(Command app, Context& context);

// One file each (cmd_volume_NAME.cpp).
void add_volume_create(Command noun, Context& context);
void add_volume_inspect(Command noun, Context& context);
void add_volume_ls(Command noun, Context& context);
void add_compose_volumes(Command app, Context& context);
void add_volume_prune(Command noun, Context& context);

/// A volume as `docker volume inspect` shows it. Error: none of that name.
[[nodiscard]] Result<nlohmann::ordered_json> volume_json(const Context& context, const std::string& name);

/// Names of volumes that some container, running or not, mounts.
[[nodiscard]] std::set<std::string> used_volumes(const engine::Observed& observed);

/// Whether nobody gave it a name: an id serves as one.
[[nodiscard]] bool is_anonymous_volume(const std::string& name);

/// Removes volumes that no container uses and whose labels match, with `all` also those that have a name; prints them
/// and adds to `freed`.
[[nodiscard]] Status prune_volumes(const Context& context, const std::vector<engine::LabelFilter>& labels, bool all,
                                   uint64_t& freed);

}  // namespace berth::cli
