#include "engine/plan.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/check.h"
#include "base/text.h"

namespace berth::engine {
namespace {

template <class... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};

/// The action that takes `action` back, or nothing where there is nothing to take back.
std::optional<Action> inverse(const Action& action) {
  using Undo = std::optional<Action>;
  return std::visit(Overloaded{
                        [](const CreateNetwork& a) -> Undo {
                          return RemoveNetwork{a.network.name, std::nullopt};
                        },
                        [](const CreateVolume& a) -> Undo {
                          return RemoveVolume{a.volume.name, std::nullopt};
                        },
                        [](const CreateContainer& a) -> Undo {
                          return RemoveContainer{a.container, true};
                        },
                        [](const StartContainer& a) -> Undo {
                          return StopContainer{a.container, std::nullopt, false};
                        },
                        [](const StopContainer& a) -> Undo {
                          return StartContainer{a.container, false};
                        },
                        // Gives them back, at once: the old container, which starts again next, may need them.
                        [](const ReservePorts& a) -> Undo {
                          return StopContainer{a.container, std::nullopt, false};
                        },
                        [](const PauseContainer& a) -> Undo { return UnpauseContainer{a.container}; },
                        [](const UnpauseContainer& a) -> Undo { return PauseContainer{a.container}; },
                        [](const RemoveNetwork& a) -> Undo {
                          if (!a.made_anew) return std::nullopt;
                          return CreateNetwork{*a.made_anew};
                        },
                        // Empty: the data are gone, as was asked for.
                        [](const RemoveVolume& a) -> Undo {
                          if (!a.made_anew) return std::nullopt;
                          return CreateVolume{*a.made_anew};
                        },
                        [](const RenameContainer& a) -> Undo {
                          if (!a.other) return std::nullopt;
                          return RenameContainer{*a.other, a.container};
                        },
                        [](const HandOver& a) -> Undo {
                          return HandOver{a.to, a.from};
                        },
                        // A step on its own: what it has not done to the end it takes back itself.
                        [](const ConnectNetwork&) -> Undo { return std::nullopt; },
                        [](const DisconnectNetwork&) -> Undo { return std::nullopt; },
                        // What is gone cannot be brought back.
                        [](const WaitFor&) -> Undo { return std::nullopt; },
                        [](const KillContainer&) -> Undo { return std::nullopt; },
                        [](const RemoveContainer&) -> Undo { return std::nullopt; },
                    },
                    action);
}

}  // namespace

const char* condition_name(Condition condition) {
  switch (condition) {
    case Condition::started:
      return "started";
    case Condition::healthy:
      return "healthy";
    case Condition::completed:
      return "completed";
    case Condition::running_or_healthy:
      return "ready";
  }
  return "";
}

StepId Plan::add(Action action, std::string why, std::vector<StepId> after) {
  std::sort(after.begin(), after.end());
  after.erase(std::unique(after.begin(), after.end()), after.end());
  BERTH_CHECK(after.empty() || after.back() < steps.size());
  steps.push_back({std::move(action), std::move(why), std::move(after)});
  return steps.size() - 1;
}

StepWords words(const Action& action) {
  auto container = [](const ContainerRef& ref, const char* verb) { return StepWords{"Container", ref.name, verb}; };
  return std::visit(
      Overloaded{
          [](const CreateNetwork& a) {
            return StepWords{"Network", a.network.name, "Create"};
          },
          [](const RemoveNetwork& a) {
            return StepWords{"Network", a.name, "Remove"};
          },
          [](const CreateVolume& a) {
            return StepWords{"Volume", a.volume.name, "Create"};
          },
          [](const RemoveVolume& a) {
            return StepWords{"Volume", a.name, "Remove"};
          },
          [&](const CreateContainer& a) { return container(a.container, a.replaces.empty() ? "Create" : "Recreate"); },
          [&](const ReservePorts& a) { return container(a.container, "Reserve ports"); },
          [&](const StartContainer& a) { return container(a.container, "Start"); },
          [&](const WaitFor& a) {
            return StepWords{"Container", a.container.name, fmt::format("Wait until {}", condition_name(a.condition))};
          },
          [&](const StopContainer& a) { return container(a.container, "Stop"); },
          [&](const KillContainer& a) { return container(a.container, "Kill"); },
          [&](const PauseContainer& a) { return container(a.container, "Pause"); },
          [&](const UnpauseContainer& a) { return container(a.container, "Unpause"); },
          [&](const RemoveContainer& a) { return container(a.container, "Remove"); },
          [&](const ConnectNetwork& a) { return container(a.container, "Connect"); },
          [&](const DisconnectNetwork& a) { return container(a.container, "Disconnect"); },
          [&](const RenameContainer& a) { return container(a.container, "Rename"); },
          [&](const HandOver& a) { return container(a.to, "Hand over to"); },
      },
      action);
}

bool changes_anything(const Plan& plan) {
  return !plan.updates.empty() || std::any_of(plan.steps.begin(), plan.steps.end(), [](const Step& step) {
    return !std::holds_alternative<WaitFor>(step.action);
  });
}

std::string to_text(const Plan& plan) {
  std::string text;
  for (const Step& step : plan.steps) {
    StepWords w = words(step.action);
    std::string after;
    for (StepId id : step.after) {
      StepWords earlier = words(plan.steps[id].action);
      after += (after.empty() ? " after " : ", ") + to_lower(earlier.verb) + " " + earlier.name;
    }
    text += fmt::format("{} {} {}{} ({})\n", to_lower(w.verb), to_lower(w.kind), w.name, after, step.why);
    for (const Change& change : step.changes) text += "    " + to_text(change) + "\n";
  }
  return text;
}

Plan plan_undo(const Plan& plan, const std::vector<StepId>& done) {
  Plan undo;
  auto final = [&](StepId id) { return std::holds_alternative<RemoveContainer>(plan.steps[id].action); };
  if (std::any_of(done.begin(), done.end(), final)) return undo;
  // The plan's graph turned round: a step is taken back behind those that came after it. What cannot be taken back
  // keeps only what it rests on.
  std::vector<std::vector<StepId>> behind(plan.steps.size());
  for (auto it = done.rbegin(); it != done.rend(); ++it) {
    const Step& step = plan.steps[*it];
    std::vector<StepId> last = std::move(behind[*it]);
    if (std::optional<Action> action = inverse(step.action)) {
      last = {undo.add(std::move(*action), "taking back what failed", std::move(last))};
    }
    for (StepId earlier : step.after) {
      // That all containers were made before the first one started does not tie them together now.
      const Action& before = plan.steps[earlier].action;
      if (std::holds_alternative<CreateContainer>(before) && words(before).name != words(step.action).name) continue;
      behind[earlier].insert(behind[earlier].end(), last.begin(), last.end());
    }
  }
  return undo;
}

}  // namespace berth::engine
