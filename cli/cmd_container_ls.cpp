#include <fmt/core.h>

#include <algorithm>
#include <memory>

#include "cli/container_commands.h"
#include "cli/container_filter.h"
#include "cli/container_row.h"
#include "cli/listing.h"
#include "cli/project.h"
#include "cli/sizes.h"
#include "sys/directory.h"

namespace berth::cli {
namespace {

struct ContainerListFlags {
  std::vector<std::string> filters;
  std::string format, size;
  int64_t last = -1;
  bool all = false, latest = false, no_trunc = false, quiet = false;
};

/// "2B (virtual 8.7MB)": what it has written, and that with its image.
std::string size_of(const Context& context, const engine::ContainerRecord& record) {
  const uint64_t own = sys::disk_usage(context.paths.container(record.id) + "/upper");
  uint64_t all = own;
  for (const std::string& layer : record.layers) all += sys::disk_usage(layer);
  return fmt::format("{} (virtual {})", size_text(own), size_text(all));
}

/// The newest first.
Result<std::vector<const engine::Container*>> choose(const Context& context, const ContainerListFlags& flags,
                                                     const engine::Observed& observed) {
  BERTH_TRY(ContainerFilter filter, ContainerFilter::parse(flags.filters, context, observed));
  const int64_t last = flags.latest && flags.last < 0 ? 1 : flags.last;
  const bool all = flags.all || last > 0 || filter.asks_for_status();
  std::vector<const engine::Container*> chosen;
  for (const engine::Container& container : observed.containers) {
    bool up = container.live.alive() || container.live.status == engine::Status::restarting;
    if ((all || up) && filter.matches(container)) chosen.push_back(&container);
  }
  std::stable_sort(chosen.begin(), chosen.end(),
                   [](auto* a, auto* b) { return a->record.created_ns > b->record.created_ns; });
  if (last > 0 && chosen.size() > static_cast<size_t>(last)) chosen.resize(static_cast<size_t>(last));
  return chosen;
}

Status list(const Context& context, const ContainerListFlags& flags) {
  std::vector<std::string> problems;
  const engine::Observed observed = engine::StateStore(context.paths).observe(&problems);
  for (const std::string& problem : problems) fmt::print(stderr, "warning: {}\n", printable_lines(problem));
  BERTH_TRY(std::vector<const engine::Container*> chosen, choose(context, flags, observed));
  if (flags.quiet && flags.format.empty()) {
    for (const engine::Container* one : chosen)
      fmt::print("{}\n", flags.no_trunc ? one->record.id : one->record.short_id());
    return {};
  }
  const bool asked =
      flags.format.find(".Size") != std::string::npos || flags.format.find("json .}") != std::string::npos;
  const bool with_size = flags.size == "true" || (flags.size.empty() && asked);
  std::vector<nlohmann::ordered_json> rows;
  for (const engine::Container* one : chosen) {
    rows.push_back(docker_row(*one, flags.no_trunc));
    if (with_size) rows.back()["Size"] = size_of(context, one->record);
  }
  std::vector<Column> columns = {{"CONTAINER ID", "ID"},    {"IMAGE", "Image"},   {"COMMAND", "Command"},
                                 {"CREATED", "RunningFor"}, {"STATUS", "Status"}, {"PORTS", "Ports"},
                                 {"NAMES", "Names"}};
  if (with_size) columns.push_back({"SIZE", "Size"});
  BERTH_TRY(std::string text, render_listing(rows, columns, flags.format));
  fmt::print("{}", text);
  return {};
}

}  // namespace

void add_container_ls(Command noun, Context& context) {
  auto flags = std::make_shared<ContainerListFlags>();
  Command command = noun.add_command("ls", "List containers").alias("list").alias("ps");
  command.flag("-a,--all", flags->all, "Show all containers (default shows just running)");
  command.option("-f,--filter", flags->filters, "Filter output: status=, name=, label=, ancestor=, ...");
  command.option("--format", flags->format, "table, json, or a Go template");
  command.option("-n,--last", flags->last, "Show n last created containers (includes all states)");
  command.flag("-l,--latest", flags->latest, "Show the latest created container (includes all states)");
  command.flag("--no-trunc", flags->no_trunc, "Don't truncate output");
  command.flag("-q,--quiet", flags->quiet, "Only display container IDs");
  command.flag("-s,--size", flags->size, "Display total file sizes");
  command.runs(context, [&context, flags] { return report(context, list(context, *flags)); });
}

}  // namespace berth::cli
