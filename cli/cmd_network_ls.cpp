#include <fmt/core.h>

#include <algorithm>
#include <memory>

#include "base/clock.h"
#include "base/text.h"
#include "cli/listing.h"
#include "cli/network_commands.h"
#include "cli/project.h"
#include "engine/plan_prune.h"
#include "engine/predefined_network.h"

namespace berth::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Flags {
  std::vector<std::string> filters;
  std::string format;
  bool quiet = false, no_trunc = false;
};

/// `--filter`: of each key one value must hold, of labels all.
struct Filter {
  std::map<std::string, std::vector<std::string>> values;  // all but labels
  std::vector<engine::LabelFilter> labels;
};

Status check_value(const std::string& key, const std::string& value) {
  if (key == "type" && value != "builtin" && value != "custom")
    return make_error(fmt::format("invalid filter: 'type'='{}'", printable(value)), "expected builtin or custom");
  if (key == "dangling" && value != "true" && value != "false" && value != "1" && value != "0")
    return make_error(fmt::format("invalid filter: 'dangling'='{}'", printable(value)), "expected true or false");
  return {};
}

Result<Filter> parse_filter(const std::vector<std::string>& filters) {
  const std::vector<std::string> kKeys = {"dangling", "driver", "id", "label", "name", "scope", "type"};
  Filter filter;
  for (const std::string& text : filters) {
    const size_t equals = text.find('=');
    const std::string key = text.substr(0, equals);
    if (std::find(kKeys.begin(), kKeys.end(), key) == kKeys.end()) {
      std::optional<std::string> near = nearest(key, kKeys);
      return make_error(fmt::format("invalid filter '{}'", printable(key)),
                        near ? "did you mean \"" + *near + "\"?" : "expected one of " + join(kKeys, ", "));
    }
    const std::string value = equals == std::string::npos ? "" : text.substr(equals + 1);
    BERTH_TRY_OK(check_value(key, value));
    if (key != "label") {
      filter.values[key].push_back(value);
      continue;
    }
    const size_t second = value.find('=');
    std::optional<std::string> wanted;
    if (second != std::string::npos) wanted = value.substr(second + 1);
    filter.labels.push_back({value.substr(0, second), std::move(wanted), true});
  }
  return filter;
}

bool holds(const std::string& key, const std::string& value, const engine::NetworkRecord& network, bool used) {
  const bool builtin = engine::is_predefined(network.config.name);
  if (key == "driver") return driver_of(network) == value;
  if (key == "id") return network.id.starts_with(value);
  if (key == "name") return network.config.name.find(value) != std::string::npos;
  if (key == "scope") return value == "local";
  if (key == "type") return builtin == (value == "builtin");
  const bool dangling = !builtin && !used;
  return dangling == (value == "true" || value == "1");
}

bool matches(const Filter& filter, const engine::NetworkRecord& network, bool used) {
  return engine::matches(filter.labels, network.config.labels) &&
         std::all_of(filter.values.begin(), filter.values.end(), [&](const auto& entry) {
           return std::any_of(entry.second.begin(), entry.second.end(),
                              [&](const std::string& value) { return holds(entry.first, value, network, used); });
         });
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

Status list(const Context& context, const Flags& flags) {
  BERTH_TRY(const Filter filter, parse_filter(flags.filters));
  const engine::Observed observed = engine::StateStore(context.paths).observe();
  std::vector<Json> rows;
  for (const engine::NetworkRecord& network : all_networks(context, observed)) {
    if (matches(filter, network, !users_of(network, observed).empty())) rows.push_back(row(network, flags.no_trunc));
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
  auto flags = std::make_shared<Flags>();
  Command command = noun.add_command("ls", "List networks").alias("list");
  command.option("-f,--filter", flags->filters,
                 "Filter output: dangling=, driver=, id=, label=, name=, scope=, type=custom|builtin");
  command.option("--format", flags->format, "table, json, or a Go template");
  command.flag("--no-trunc", flags->no_trunc, "Do not truncate the output");
  command.flag("-q,--quiet", flags->quiet, "Only display network IDs");
  command.runs(context, [&context, flags] { return report(context, list(context, *flags)); });
}

}  // namespace berth::cli
