#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/build_job.h"
#include "compose/model.h"

namespace berth::cli {

/// What `build` adds to what the file says.
struct BuildOverrides {
  std::map<std::string, std::optional<std::string>> args;
  std::vector<std::string> ssh;
  bool no_cache = false, pull = false;
  bool all_platforms = false;  // else one that runs here: what `up` needs
};

/// The name of the service's image: as written, else PROJECT-SERVICE.
[[nodiscard]] std::string image_of(const compose::Project& project, const compose::Service& service);

/// The service's `build:` as a job. Error: what berth cannot do, named with its place.
[[nodiscard]] Result<BuildJob> build_job(const compose::Project& project, const compose::Service& service,
                                         const BuildOverrides& overrides);

/// Jobs of these services, those that give the same image once, what others build on (additional_contexts with
/// service:) first.
[[nodiscard]] Result<std::vector<BuildJob>> build_jobs(const compose::Project& project,
                                                       const std::vector<std::string>& services,
                                                       const BuildOverrides& overrides);

}  // namespace berth::cli
