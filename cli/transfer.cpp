#include "cli/transfer.h"

#include <nlohmann/json.hpp>

#include "cli/helper.h"

namespace berth::cli {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Transfer::Item, image, platform, asked_by)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Transfer, items, push, ignore_failures, quiet)

std::string to_json_text(const Transfer& transfer) {
  return nlohmann::json(transfer).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Result<Transfer> transfer_from_json(const std::string& text) {
  try {
    return nlohmann::json::parse(text).get<Transfer>();
  } catch (const nlohmann::json::exception& problem) {
    return make_error(std::string("transfer request: ") + problem.what());
  }
}

Result<int> carry_out(const Context& context, const Transfer& transfer) {
  return run_helper(context, "berth-images", "transfer", to_json_text(transfer));
}

}  // namespace berth::cli
