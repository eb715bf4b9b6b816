#include <fmt/core.h>

#include <algorithm>

#include "base/text.h"
#include "engine/lower_parts.h"

namespace berth::engine {
namespace {

const std::vector<std::string> kUpdateActions = {"continue", "pause", "rollback"},
                               kRollbackActions = {"continue", "pause"};

RolloutConfig lower_one(const compose::UpdateConfig& from, const std::vector<std::string>& actions,
                        const std::string& what, const SourceSpan& span, Diagnostics& diagnostics) {
  RolloutConfig config;
  config.parallelism = from.parallelism.value_or(1);
  config.delay_ns = from.delay ? from.delay->count() : 0;
  config.monitor_ns = from.monitor ? from.monitor->count() : 0;
  config.failure_action = from.failure_action.value_or("pause");
  config.max_failure_ratio = from.max_failure_ratio.value_or(0);
  config.start_first = from.order.value_or("stop-first") == "start-first";
  if (std::find(actions.begin(), actions.end(), config.failure_action) == actions.end()) {
    std::optional<std::string> near = nearest(config.failure_action, actions);
    diagnostics.error(
        span, fmt::format("{}: failure_action: \"{}\" is not understood", what, printable(config.failure_action)),
        near ? fmt::format("did you mean \"{}\"?", *near) : "it is one of " + join(actions, ", "));
  }
  if (config.parallelism < 0)
    diagnostics.error(span, fmt::format("{}: parallelism: {} is negative", what, config.parallelism),
                      "0 is all at once");
  if (config.max_failure_ratio < 0 || config.max_failure_ratio > 1) {
    diagnostics.error(span,
                      fmt::format("{}: max_failure_ratio: {} is not between 0 and 1", what, config.max_failure_ratio));
  }
  return config;
}

bool has_fixed_address(const ContainerConfig& config) {
  return std::any_of(config.attachments.begin(), config.attachments.end(), [](const AttachmentConfig& one) {
    return !one.ipv4_address.empty() || !one.ipv6_address.empty() || !one.mac_address.empty();
  });
}

}  // namespace

void lower_rollout(const Lowering& in, ServiceConfig& config) {
  if (!in.service.deploy) return;
  const compose::Deploy& deploy = *in.service.deploy;
  const SourceSpan span = in.service.place("deploy");
  const std::string where = fmt::format("service \"{}\": deploy.", in.service.name);
  if (deploy.update_config)
    config.update = lower_one(*deploy.update_config, kUpdateActions, where + "update_config", span, in.diagnostics);
  if (deploy.rollback_config)
    config.rollback =
        lower_one(*deploy.rollback_config, kRollbackActions, where + "rollback_config", span, in.diagnostics);
  for (RolloutConfig* one : {config.update ? &*config.update : nullptr, &config.rollback}) {
    if (one == nullptr || !one->start_first || !has_fixed_address(config.container)) continue;
    in.diagnostics.warning(
        span,
        where +
            "update_config or rollback_config: order: start-first is not possible with a fixed address, which only one "
            "container can have; the old one is stopped first");
    one->start_first = false;
  }
}

}  // namespace berth::engine
