#include "supervise/rollout.h"

#include <fmt/core.h>

#include <algorithm>

namespace berth::supervise {
namespace {

using engine::AfterFailure;
using engine::ServiceUpdate;

Error summary(const ServiceUpdate& update, size_t replaced, AfterFailure after) {
  const size_t all = update.replacements.size();
  Error error = make_error(fmt::format("update of service \"{}\" {}: {} of {} containers are new", update.service,
                                       after == AfterFailure::pause       ? "stopped"
                                       : after == AfterFailure::roll_back ? "was rolled back"
                                                                          : "is not complete",
                                       after == AfterFailure::roll_back ? 0 : replaced, all));
  if (after == AfterFailure::pause) error.hint = "`berth up` goes on with it";
  return error;
}

void append(std::vector<Error>& errors, std::vector<Error> more) {
  std::move(more.begin(), more.end(), std::back_inserter(errors));
}

}  // namespace

asio::awaitable<std::vector<Error>> roll_out(const ServiceUpdate& update, const RolloutHooks& hooks) {
  std::vector<size_t> done;
  std::vector<Error> errors;
  size_t replaced = 0, failed = 0;
  AfterFailure after = AfterFailure::go_on;
  const size_t groups = engine::group_count(update);
  for (size_t number = 0; number < groups && after == AfterFailure::go_on; ++number) {
    const size_t members = engine::group(update, number).size();
    const engine::Plan plan = engine::plan_group(update, number);
    std::vector<Error> wrong = co_await hooks.carry_out(plan, true);
    bool delayed = false;
    if (wrong.empty()) {
      done.push_back(number);
      replaced += members;
      delayed = update.update.delay_ns > 0 && number + 1 < groups;
    }
    if (delayed) {
      const engine::Plan delay = engine::plan_delay(update, number);
      wrong = co_await hooks.carry_out(delay, false);
    }
    if (wrong.empty()) continue;
    failed += members;
    append(errors, std::move(wrong));
    after = hooks.cancelled() ? AfterFailure::pause : engine::after_failure(update, failed);
  }
  if (after == AfterFailure::roll_back) {
    const std::vector<engine::Plan> back = engine::plan_put_back(update, done);
    for (const engine::Plan& plan : back) {
      std::vector<Error> wrong = co_await hooks.complete(plan);
      append(errors, std::move(wrong));
    }
  } else {
    const engine::Plan finish = engine::plan_finish(update, done);
    std::vector<Error> wrong = co_await hooks.complete(finish);
    append(errors, std::move(wrong));
  }
  if (failed == 0) co_return errors;
  const double ratio = static_cast<double>(failed) / static_cast<double>(update.replacements.size());
  if (ratio > update.update.max_failure_ratio || hooks.cancelled()) {
    errors.push_back(summary(update, replaced, after));
    co_return errors;
  }
  for (const Error& error : errors) hooks.warn(error.message());
  hooks.warn(summary(update, replaced, after).message());
  co_return std::vector<Error>();
}

}  // namespace berth::supervise
