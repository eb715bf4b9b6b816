#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/context.h"
#include "engine/plan_prune.h"
#include "images/digest.h"

namespace berth::cli {

// What the prune commands have in common.

/// Images that some container, running or not, was made from.
[[nodiscard]] std::vector<images::Digest> images_in_use(const Context& context);

/// An error where a record cannot be read: nobody knows what its container uses, so nothing may be pruned.
[[nodiscard]] Status check_records(const Context& context);

/// Shows the warning and asks. Only "y" is yes; the end of standard input is no.
[[nodiscard]] bool confirm(const std::string& warning);

/// `until=` and `label=`, `label!=` for containers, networks and volumes. Error: another key.
[[nodiscard]] Result<engine::PruneOptions> parse_prune_filters(const std::vector<std::string>& filters);

/// Prints a title and the lines below it; nothing where there are none.
void print_list(const char* title, const std::vector<std::string>& lines);

/// Containers and networks go by way of the supervisor, project by project; what is gone afterwards was removed, is
/// printed, and adds to `freed`. False if not everything could be removed.
[[nodiscard]] bool prune_projects(const Context& context, const engine::PruneOptions& options, uint64_t& freed);

/// Removes images that no container uses and that have no name, or with `all` whatever their name, as far as the
/// filters let; prints them, and adds up what was freed on the disk.
[[nodiscard]] Status prune_images(const Context& context, const std::vector<std::string>& filters, bool all,
                                  uint64_t& freed);

/// Where builds keep the directories of their cache mounts.
[[nodiscard]] std::string cache_mounts(const Context& context);
/// Git repositories that builds were given, as far as they have been fetched.
[[nodiscard]] std::string repositories(const Context& context);

/// Forgets all steps of builds and removes the directories of cache mounts. Error: a build is under way.
[[nodiscard]] Status prune_build_cache(const Context& context, uint64_t& freed);

}  // namespace berth::cli
