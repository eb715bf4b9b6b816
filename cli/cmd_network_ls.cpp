#include <fmt/core.h>

#include <memory>

#include "base/clock.h"
#include "base/text.h"
#include "cli/list_filter.h"
#include "cli/listing.h"
#include "cli/network_commands.h"
#include "cli/project.h"
#include "engine/predefined_network.h"

namespace berth::cli {
namespace {

using Json = nlohmann::ordered_json;
using Strings = std::vector<std::string>;

struct NetworkLsFlags {
  std::vector<std::string> filters;
  std::string format;
  bool quiet = false, no_trunc = false;
};

bool holds(const std::string& key, const std::string& value, const engine::NetworkRecord& network, bool used) {
  const bool builtin = engine::is_predefined(network.config.name);
  if (key == "driver") return driver_of(network) == value;
  if (key == "id") return network.id.starts_with(value);
  if (key == "name") return network.config.name.find(value) != std::string::npos;
  if (key == "scope") return value == "local";
  if (key == "type") return builtin == (value == "builtin");
  const bool dangling = !builtin && !used;
  return dangling == means_true(value);
}

/// "2026-11-21 12:48:04.123456789 +0000 UTC"
std::string created_at(int64_t ns) {
  if (ns == 0) return "0001-01-01 00:00:00 +0000 UTC";
  const std::string text = format_rfc3339(ns);
  return text.substr(0, 10) + " " + text.substr(11, text.size() - 12) + " +0000 UTC";
}

/// The keys of `docker network ls --format json`, in its order.
Json row(const engine::NetworkRecord& network, bool full) {
  std::vector<std::string> labels;
  for (const auto& [name, value] : network.config.labels) labels.push_back(name + "=" + value);
  const auto word = [](bool value) { return value ? "true" : "false"; };
  return {{"CreatedAt", created_at(network.created_ns)},
          {"Driver", driver_of(network)},
          {"ID", full ? network.id : network.id.substr(0, 12)},
          {"IPv6", word(network.config.enable_ipv6)},
          {"Internal", word(network.config.internal)},
          {"Labels", join(labels, ",")},
          {"Name", network.config.name},
          {"Scope", "local"}};
}

Status list(const Context& context, const NetworkLsFlags& flags) {
  BERTH_TRY(const ListFilter filter,
            parse_list_filter(flags.filters, {"dangling", "driver", "id", "label", "name", "scope", "type"}));
  for (const std::string& type : filter.values.contains("type") ? filter.values.at("type") : Strings()) {
    if (type != "builtin" && type != "custom")
      return make_error(fmt::format("invalid filter: 'type'='{}'", printable(type)), "expected builtin or custom");
  }
  const engine::Observed observed = engine::StateStore(context.paths).observe();
  std::vector<Json> rows;
  for (const engine::NetworkRecord& network : all_networks(context, observed)) {
    const bool used = !users_of(network, observed).empty();
    auto about_it = [&](const std::string& key, const std::string& value) { return holds(key, value, network, used); };
    if (filter.matches(network.config.labels, about_it)) rows.push_back(row(network, flags.no_trunc));
  }
  if (flags.quiet && flags.format.empty()) {
    for (const Json& one : rows) fmt::print("{}\n", one["ID"].get<std::string>());
    return {};
  }
  const std::vector<Column> columns = {
      {"NETWORK ID", "ID"}, {"NAME", "Name"}, {"DRIVER", "Driver"}, {"SCOPE", "Scope"}};
  BERTH_TRY(std::string text, render_listing(rows, columns, flags.format));
  fmt::print("{}", text);
  return {};
}

}  // namespace

void add_network_ls(Command noun, Context& context) {
  auto flags = std::make_shared<NetworkLsFlags>();
  Command command = noun.add_command("ls", "List networks").alias("list");
  command.option("-f,--filter", flags->filters,
                 "Filter output: dangling=, driver=, id=, label=, name=, scope=, type=custom|builtin");
  command.option("--format", flags->format, "table, json, or a Go template");
  command.flag("--no-trunc", flags->no_trunc, "Do not truncate the output");
  command.flag("-q,--quiet", flags->quiet, "Only display network IDs");
  command.runs(context, [&context, flags] { return report(context, list(context, *flags)); });
}

}  // namespace berth::cli
