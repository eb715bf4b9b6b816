#pragma once

#include <string>
#include <vector>

#include "cli/context.h"
#include "engine/json.h"
#include "engine/plan.h"

namespace berth::cli {

/// What is done beside the plan's steps: to an image, or by the provider of a service.
struct Errand {
  std::string verb;  // Pull, Build, Push, Create, Remove
  std::string name, why;
  std::string kind = "image";  // or provider
};

/// What a command would do.
struct Preview {
  std::vector<Errand> errands;
  engine::Plan plan;
};

/// The plan that the supervisor would make of this request, made here: nothing is started or written.
[[nodiscard]] Result<engine::Plan> plan_of(const Context& context, const engine::Json& request);

[[nodiscard]] bool changes_anything(const Preview& preview);

/// One line a step with its reason, and below it the attributes that are the reason. "No changes" if there is nothing.
[[nodiscard]] std::string to_text(const Preview& preview);
[[nodiscard]] engine::Json to_json(const Preview& preview);

/// Prints warnings and problems to stderr, else the plan to stdout: as JSON if asked for. False if there are problems.
bool show(const Context& context, const Preview& preview, bool as_json);

/// The whole of --dry-run: returns the exit code, 0 or 1.
int dry_run(const Context& context, Preview preview);
[[nodiscard]] int dry_run(const Context& context, const engine::Json& request, std::vector<Errand> errands = {});

}  // namespace berth::cli
