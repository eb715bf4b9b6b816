#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/context.h"
#include "cli/helper.h"

namespace berth::cli {

/// Images that a project wants pulled or pushed, all at once: what `berth` asks of `berth-images`, which has the
/// registry client. Travels as JSON on the standard input of `berth-images transfer`.
struct Transfer {
  struct Item {
    std::string image;                  // reference as written
    std::string platform;               // empty = this machine's
    std::vector<std::string> asked_by;  // context of errors, innermost first: the place, the service
  };
  std::vector<Item> items;
  bool push = false;
  bool ignore_failures = false;
  bool quiet = false;
  int trace = -1;  // descriptor for trace::write_span(), which it inherits; -1 = nobody asks
};

/// Declared for all who call carry_out(): one of its forms takes JSON, so the compiler asks whether this is any.
void to_json(nlohmann::json& json, const Transfer& transfer);
[[nodiscard]] std::string to_json_text(const Transfer& transfer);
[[nodiscard]] Result<Transfer> transfer_from_json(const std::string& text);

/// Has it done, and waits. What it does and what goes wrong is told on stderr. Returns the exit code: 0, 1, or 130
/// after a SIGINT or SIGTERM, which first ends the transfer.
[[nodiscard]] Result<int> carry_out(const Context& context, const Transfer& transfer);
/// The same for a program of several threads.
[[nodiscard]] Result<int> carry_out(const Context& context, const Transfer& transfer, const HelperWatch& watch);

/// A file to download, as `berth-build` asks for one (ADD of a URL): `berth-images fetch`.
struct FetchOrder {
  std::string url, file;
};
void to_json(nlohmann::json& json, const FetchOrder& order);
[[nodiscard]] Result<FetchOrder> fetch_order_from_json(const std::string& text);
[[nodiscard]] Result<int> carry_out(const Context& context, const FetchOrder& order, const HelperWatch& watch);

}  // namespace berth::cli
