#include "cli/build_job.h"

#include "cli/helper.h"
#include "engine/json.h"

namespace berth::cli {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(BuildOutput, type, dest, names, push, packed)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(BuildJob::SecretSource, file, variable, content)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(BuildJob, name, context, dockerfile, inline_file, args, labels,
                                                annotations, additional_contexts, ssh, secrets, tags, extra_hosts,
                                                ulimits, platforms, target, network, outputs, iidfile, metadata_file,
                                                shm_size, no_cache, pull, allow_insecure, no_cache_filter,
                                                allow_host_network)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(BuildOrder, jobs, quiet, check, trace, warnings)

std::string to_json_text(const BuildOrder& order) {
  return nlohmann::json(order).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Result<BuildOrder> build_order_from_json(const std::string& text) {
  try {
    return nlohmann::json::parse(text).get<BuildOrder>();
  } catch (const nlohmann::json::exception& problem) {
    return make_error(std::string("build order: ") + problem.what());
  }
}

Result<int> carry_out(const Context& context, const BuildOrder& order) {
  return run_helper(context, "berth-build", "jobs", to_json_text(order), sys::FdRef(order.trace));
}

}  // namespace berth::cli
