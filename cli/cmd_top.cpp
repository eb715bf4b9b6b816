#include <fmt/core.h>

#include <memory>

#include "cli/commands.h"
#include "cli/container_choice.h"
#include "cli/container_commands.h"
#include "cli/processes.h"
#include "cli/project.h"
#include "cli/table.h"

namespace berth::cli {
namespace {

const std::vector<std::string> kHeader = {"UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"};

std::vector<std::string> cells(const Process& process) {
  return {process.user,
          std::to_string(process.pid),
          std::to_string(process.parent),
          std::to_string(process.cpu_percent),
          process.started,
          process.terminal,
          process.cpu_time,
          process.command};
}

Status top_of_services(const Context& context, const engine::Selection& selection) {
  engine::Observed observed = engine::StateStore(context.paths).observe();
  std::vector<std::vector<std::string>> rows;
  for (const engine::Container* container : engine::select(observed, selection)) {
    if (!container->live.alive()) continue;
    BERTH_TRY(std::vector<Process> processes, processes_of(context, *container));
    for (const Process& process : processes) {
      rows.push_back({container->record.service, std::to_string(container->record.number)});
      for (std::string& cell : cells(process)) rows.back().push_back(std::move(cell));
    }
  }
  if (rows.empty()) return {};  // as Compose, which prints not even the header
  std::vector<std::string> header = {"SERVICE", "#"};
  header.insert(header.end(), kHeader.begin(), kHeader.end());
  fmt::print("{}", render_table(header, rows));
  return {};
}

Status top_of_container(const Context& context, const ContainerChoice& choice) {
  BERTH_TRY(engine::Container container, find_container(context, choice));
  if (!container.live.alive()) return make_error("container " + container.record.name + " is not running");
  BERTH_TRY(std::vector<Process> processes, processes_of(context, container));
  std::vector<std::vector<std::string>> rows;
  for (const Process& process : processes) rows.push_back(cells(process));
  fmt::print("{}", render_table(kHeader, rows));
  return {};
}

}  // namespace

void add_top(Command app, Context& context) {
  auto services = std::make_shared<std::vector<std::string>>();
  Command command = app.add_command("top", "Display the running processes");
  command.option("SERVICE", *services, "Services; all if none is named");
  command.dry_runs(context);
  command.runs(context, [&context, services] {
    std::optional<engine::Selection> selection = select(context, *services);
    return selection ? report(context, top_of_services(context, *selection)) : 1;
  });
}

void add_container_top(Command noun, Context& context) {
  auto choice = std::make_shared<ContainerChoice>();
  Command command = noun.add_command("top", "Display the running processes of a container");
  choose_container(command, *choice, false);
  command.runs(context, [&context, choice] { return report(context, top_of_container(context, *choice)); });
}

}  // namespace berth::cli
