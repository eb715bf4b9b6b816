#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/list_filter.h"
#include "cli/project.h"
#include "cli/table.h"
#include "engine/state.h"

namespace berth::cli {
namespace {

using Json = nlohmann::ordered_json;

struct LsFlags {
  std::vector<std::string> filters;
  std::string format = "table";
  bool all = false, quiet = false;
};

struct Found {
  std::map<std::string, int> states;
  std::vector<std::string> files;

  [[nodiscard]] std::string status() const {
    std::vector<std::string> parts;
    for (const auto& [state, count] : states) parts.push_back(fmt::format("{}({})", state, count));
    return join(parts, ", ");
  }
  [[nodiscard]] std::string file_list() const { return files.empty() ? "N/A" : join(files, ","); }
};

/// Every project that has a container, or with `all` one that does not run.
std::map<std::string, Found> find_projects(const Context& context, bool all) {
  std::map<std::string, Found> projects;
  for (const engine::Container& container : engine::StateStore(context.paths).observe().containers) {
    const bool up = container.live.alive() || container.live.status == engine::Status::restarting;
    if (container.record.project.empty() || (!up && !all)) continue;
    Found& found = projects[container.record.project];
    ++found.states[engine::status_name(container.live.status)];
    auto label = container.record.labels.find("com.docker.compose.project.config_files");
    if (label == container.record.labels.end()) continue;
    for (const std::string& file : split(label->second, ',')) {
      if (!file.empty() && std::find(found.files.begin(), found.files.end(), file) == found.files.end())
        found.files.push_back(file);
    }
  }
  return projects;
}

Status list(const Context& context, const LsFlags& flags) {
  if (flags.format != "table" && flags.format != "json")
    return make_error("unsupported format \"" + printable(flags.format) + "\"", "expected table or json");
  BERTH_TRY(const ListFilter filter, parse_list_filter(flags.filters, {"name"}));
  Json rows = Json::array();
  std::vector<std::vector<std::string>> cells;
  for (const auto& [name, found] : find_projects(context, flags.all)) {
    auto named = [&name = name](const std::string&, const std::string& pattern) { return name_matches(name, pattern); };
    if (!filter.matches({}, named)) continue;
    if (flags.quiet) fmt::print("{}\n", name);
    rows.push_back({{"Name", name}, {"Status", found.status()}, {"ConfigFiles", found.file_list()}});
    cells.push_back({name, found.status(), found.file_list()});
  }
  if (flags.quiet) return {};
  if (flags.format == "json")
    fmt::print("{}\n", rows.dump(-1, ' ', false, Json::error_handler_t::replace));
  else
    fmt::print("{}", render_table({"NAME", "STATUS", "CONFIG FILES"}, cells));
  return {};
}

}  // namespace

void add_ls(Command app, Context& context) {
  auto flags = std::make_shared<LsFlags>();
  Command command = app.add_command("ls", "List running compose projects");
  command.flag("-a,--all", flags->all, "Show all stopped Compose projects");
  command.option("--filter", flags->filters, "Filter output: name=");
  command.option("--format", flags->format, "table or json");
  command.flag("-q,--quiet", flags->quiet, "Only display project names");
  command.dry_runs(context);
  command.runs(context, [&context, flags] { return report(context, list(context, *flags)); });
}

}  // namespace berth::cli
