#include "cli/plan_view.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>

#include "base/text.h"
#include "cli/project.h"
#include "engine/plan_request.h"
#include "engine/plan_update.h"

namespace berth::cli {
namespace {

std::string lines_of(const engine::Plan& plan, const std::string& indent) {
  std::string text;
  for (const engine::Step& step : plan.steps) {
    engine::StepWords w = engine::words(step.action);
    text += fmt::format("{}{} {} {} ({})\n", indent, to_lower(w.verb), to_lower(w.kind), printable(w.name),
                        printable(step.why));
    for (const engine::Change& change : step.changes) text += indent + "    " + engine::to_text(change) + "\n";
  }
  return text;
}

std::string title_of(const engine::ServiceUpdate& update) {
  const engine::RolloutConfig& config = update.update;
  std::string at_once = config.parallelism > 0 ? fmt::format("{} at a time", config.parallelism) : "all at once";
  return fmt::format("update service {}: {} containers, {}, {}\n", printable(update.service),
                     update.replacements.size(), at_once, config.start_first ? "start-first" : "stop-first");
}

/// What a change was from or to: JSON as it stands, or nothing.
engine::Json value_of(const std::string& text) {
  return text.empty() ? engine::Json() : engine::Json::parse(text, nullptr, false);
}

engine::Json steps_of(const engine::Plan& plan) {
  engine::Json steps = engine::Json::array();
  for (const engine::Step& step : plan.steps) {
    engine::StepWords w = engine::words(step.action);
    engine::Json json{{"action", to_lower(w.verb)}, {"kind", to_lower(w.kind)}, {"name", w.name},
                      {"reason", step.why},         {"after", step.after},      {"changes", engine::Json::array()}};
    for (const engine::Change& change : step.changes) {
      json["changes"].push_back(
          {{"attribute", change.attribute}, {"before", value_of(change.before)}, {"after", value_of(change.after)}});
    }
    steps.push_back(std::move(json));
  }
  return steps;
}

engine::Json update_of(const engine::ServiceUpdate& update) {
  engine::Json groups = engine::Json::array();
  for (size_t number = 0; number < engine::group_count(update); ++number)
    groups.push_back(steps_of(engine::plan_group(update, number)));
  return {{"service", update.service},
          {"parallelism", update.update.parallelism},
          {"order", update.update.start_first ? "start-first" : "stop-first"},
          {"failure_action", update.update.failure_action},
          {"groups", std::move(groups)}};
}

}  // namespace

Result<engine::Plan> plan_of(const Context& context, const engine::Json& request) {
  BERTH_TRY(runtime::CgroupMounts groups, runtime::CgroupMounts::discover());
  engine::Stack stack;
  return engine::plan_for(request, engine::StateStore(context.paths), groups, stack);
}

bool changes_anything(const Preview& preview) {
  return !preview.errands.empty() || engine::changes_anything(preview.plan);
}

std::string to_text(const Preview& preview) {
  if (!changes_anything(preview)) return "No changes\n";
  std::string text;
  for (const Errand& errand : preview.errands)
    text += fmt::format("{} {} {} ({})\n", to_lower(errand.verb), errand.kind, printable(errand.name), errand.why);
  text += lines_of(preview.plan, "");
  for (const engine::ServiceUpdate& update : preview.plan.updates) {
    text += title_of(update);
    for (size_t number = 0; number < engine::group_count(update); ++number)
      text += lines_of(engine::plan_group(update, number), "  ");
  }
  return text;
}

engine::Json to_json(const Preview& preview) {
  engine::Json images = engine::Json::array(), providers = engine::Json::array(), updates = engine::Json::array();
  for (const Errand& errand : preview.errands) {
    (errand.kind == "image" ? images : providers)
        .push_back({{"action", to_lower(errand.verb)}, {"name", errand.name}, {"reason", errand.why}});
  }
  for (const engine::ServiceUpdate& update : preview.plan.updates) updates.push_back(update_of(update));
  return {{"changes", changes_anything(preview)}, {"images", std::move(images)},   {"providers", std::move(providers)},
          {"steps", steps_of(preview.plan)},      {"updates", std::move(updates)}, {"warnings", preview.plan.warnings}};
}

bool show(const Context& context, const Preview& preview, bool as_json) {
  bool colour = context.colour(STDERR_FILENO);
  for (const std::string& warning : preview.plan.warnings)
    fmt::print(stderr, "{}warning:{} {}\n", colour ? "\033[1;33m" : "", colour ? "\033[0m" : "", printable(warning));
  for (const Error& problem : preview.plan.problems) print_error(context, problem);
  if (!preview.plan.problems.empty()) return false;
  fmt::print("{}", as_json ? engine::to_text(to_json(preview)) + "\n" : to_text(preview));
  return true;
}

int dry_run(const Context& context, Preview preview) {
  if (context.progress != "quiet" && context.progress != "json")
    fmt::print(stderr, "DRY-RUN MODE - nothing is changed\n");
  return show(context, preview, context.progress == "json") ? 0 : 1;
}

int dry_run(const Context& context, const engine::Json& request, std::vector<Errand> errands) {
  Result<engine::Plan> plan = plan_of(context, request);
  if (!plan) return report(context, plan.error());
  return dry_run(context, {std::move(errands), std::move(*plan)});
}

}  // namespace berth::cli
