#include "cli/transfer.h"

#include <nlohmann/json.hpp>

namespace berth::cli {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Transfer::Item, image, platform, asked_by)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Transfer, items, push, ignore_failures, quiet, trace)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(FetchOrder, url, file)

namespace {

std::string json_text(const nlohmann::json& json) {
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

template <class T>
Result<T> parse_order(const std::string& text) {
  try {
    return nlohmann::json::parse(text).get<T>();
  } catch (const nlohmann::json::exception& problem) {
    return make_error(std::string("order to berth-images: ") + problem.what());
  }
}

}  // namespace

std::string to_json_text(const Transfer& transfer) {
  return json_text(transfer);
}

Result<Transfer> transfer_from_json(const std::string& text) {
  return parse_order<Transfer>(text);
}

Result<FetchOrder> fetch_order_from_json(const std::string& text) {
  return parse_order<FetchOrder>(text);
}

Result<int> carry_out(const Context& context, const Transfer& transfer) {
  return run_helper(context, "berth-images", "transfer", to_json_text(transfer), sys::FdRef(transfer.trace));
}

Result<int> carry_out(const Context& context, const Transfer& transfer, const HelperWatch& watch) {
  return run_helper(context, "berth-images", "transfer", to_json_text(transfer), watch, sys::FdRef(transfer.trace));
}

Result<int> carry_out(const Context& context, const FetchOrder& order, const HelperWatch& watch) {
  return run_helper(context, "berth-images", "fetch", json_text(order), watch);
}

}  // namespace berth::cli
