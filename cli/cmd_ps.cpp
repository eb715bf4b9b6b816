#include <fmt/core.h>

#include <algorithm>
#include <memory>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/container_row.h"
#include "cli/listing.h"
#include "cli/project.h"

namespace berth::cli {
namespace {

using engine::Container;

struct PsFlags {
  std::vector<std::string> services, statuses, filters;
  std::string format;
  bool all = false, quiet = false, list_services = false, no_trunc = false, orphans = true;
};

/// Statuses to show; none = those that are up, or all.
Result<std::vector<std::string>> wanted_statuses(const PsFlags& flags) {
  std::vector<std::string> statuses = flags.statuses;
  for (const std::string& filter : flags.filters) {
    const size_t equals = filter.find('=');
    if (equals == std::string::npos) return make_error("arguments to --filter should be in form KEY=VAL");
    if (filter.substr(0, equals) != "status")
      return make_error("unknown filter " + printable(filter.substr(0, equals)), "expected status=");
    statuses.push_back(filter.substr(equals + 1));
  }
  return statuses;
}

bool shown(const Container& c, const std::vector<std::string>& statuses, bool all) {
  if (statuses.empty()) return all || c.live.alive() || c.live.status == engine::Status::restarting;
  return std::find(statuses.begin(), statuses.end(), engine::status_name(c.live.status)) != statuses.end();
}

Status print(const std::vector<const Container*>& containers, const PsFlags& flags) {
  if (flags.quiet) {
    for (const Container* c : containers) fmt::print("{}\n", c->record.id);
    return {};
  }
  if (flags.list_services) {
    std::set<std::string> names;
    for (const Container* c : containers) names.insert(c->record.service);
    for (const std::string& name : names) fmt::print("{}\n", printable(name));
    return {};
  }
  std::vector<nlohmann::ordered_json> rows;
  for (const Container* c : containers) rows.push_back(compose_row(*c, flags.no_trunc));
  BERTH_TRY(std::string text, render_listing(rows,
                                             {{"NAME", "Name"},
                                              {"IMAGE", "Image"},
                                              {"COMMAND", "Command"},
                                              {"SERVICE", "Service"},
                                              {"CREATED", "RunningFor"},
                                              {"STATUS", "Status"},
                                              {"PORTS", "Ports"}},
                                             flags.format));
  fmt::print("{}", text);
  return {};
}

int run(const Context& context, const PsFlags& flags) {
  Result<std::vector<std::string>> statuses = wanted_statuses(flags);
  if (!statuses) return report(context, statuses.error());
  std::optional<Target> target = find_target(context);
  if (!target) return 1;
  std::optional<engine::Selection> selection = select(context, *target, flags.services);
  if (!selection) return 1;
  selection->include_one_off = flags.all;
  std::vector<std::string> problems;
  engine::Observed observed = engine::StateStore(context.paths).observe(&problems);
  for (const std::string& problem : problems) fmt::print(stderr, "warning: {}\n", printable(problem));
  std::vector<const Container*> containers = engine::select(observed, *selection);
  const std::set<std::string> known = target->file ? known_services(*target->file) : std::set<std::string>();
  std::erase_if(containers, [&](const Container* c) {
    bool orphan = target->file && !known.contains(c->record.service);
    return !shown(*c, *statuses, flags.all) || (orphan && !flags.orphans);
  });
  return report(context, print(containers, flags));
}

}  // namespace

void add_ps(Command app, Context& context) {
  auto flags = std::make_shared<PsFlags>();
  Command command = app.add_command("ps", "List containers");
  command.option("SERVICE", flags->services, "Services; all if none is named");
  command.flag("-a,--all", flags->all, "Show all stopped containers (including those created by the run command)");
  command.flag("-q,--quiet", flags->quiet, "Only display IDs");
  command.flag("--services", flags->list_services, "Display services");
  command.option("--status", flags->statuses, "Filter services by status");
  command.option("--filter", flags->filters, "Filter services by a property (supported filters: status)");
  command.option("--format", flags->format, "table, json, or a Go template");
  command.flag("--no-trunc", flags->no_trunc, "Don't truncate output");
  command.flag("--orphans", flags->orphans, "Include orphaned services (not declared by project) (default true)");
  command.dry_runs(context);
  command.runs(context, [&context, flags] { return run(context, *flags); });
}

}  // namespace berth::cli
