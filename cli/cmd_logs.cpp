#include <fmt/core.h>
#include <poll.h>
#include <unistd.h>

#include <memory>

#include "base/clock.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/container_choice.h"
#include "cli/container_commands.h"
#include "cli/log_follower.h"
#include "cli/project.h"
#include "cli/settled.h"
#include "cli/signals.h"
#include "cli/timestamp.h"
#include "engine/logging.h"

namespace berth::cli {
namespace {

struct LogsFlags {
  std::vector<std::string> services;
  ContainerChoice container;  // of Docker's form
  bool follow = false, timestamps = false, no_color = false, no_prefix = false;
  std::string tail = "all", since, until;
  int64_t index = 0;
};

/// What the flags mean.
struct View {
  engine::Selection selection;
  int64_t index = 0;  // of the containers; 0 = all
  LogPeriod period;
  std::optional<size_t> tail;
};

Result<View> read_flags(const LogsFlags& flags) {
  View view;
  if (flags.index != 0 && flags.services.size() != 1) return make_error("--index requires one service to be selected");
  view.index = flags.index;
  if (flags.tail != "all" && !flags.tail.starts_with('-')) {  // any negative number is all, too
    std::optional<unsigned long long> lines = parse_unsigned(flags.tail);
    if (!lines) return make_error("--tail takes a number of lines or \"all\", not \"" + printable(flags.tail) + "\"");
    view.tail = *lines;
  }
  if (!flags.since.empty()) {
    BERTH_TRY(view.period.since_ns, moment_of("--since", flags.since));
  }
  if (!flags.until.empty()) {
    BERTH_TRY(view.period.until_ns, moment_of("--until", flags.until));
  }
  return view;
}

int follow(const Context& context, const View& view, LogPrinter& printer) {
  LogFollower follower(engine::StateStore(context.paths), view.selection, printer, view.period);
  follower.only(view.index);
  if (view.tail) follower.tail(*view.tail);
  Signals signals;
  for (;;) {
    follower.pump();
    // Stopped containers may be started again by somebody, but nobody waits for that: as docker compose, this ends with
    // them.
    bool ended = follower.none_runs() && is_settled(context, view.selection, follower, signals);
    if (ended && follower.none_runs()) return 0;
    int64_t left_ms = -1;
    if (view.period.until_ns != INT64_MAX) {
      left_ms = (view.period.until_ns - wall_clock_ns()) / 1'000'000;
      if (left_ms < 0) return 0;
    }
    pollfd fds[] = {{follower.fd().get(), POLLIN, 0}, {signals.fd().get(), POLLIN, 0}};
    if (!ended) poll(fds, 2, static_cast<int>(std::min<int64_t>(left_ms < 0 ? -1 : left_ms + 1, 3'600'000)));
    if (signals.take() != 0) return 130;
  }
}

/// Docker Compose's words.
Status require_container(const Context& context, const View& view) {
  engine::Observed observed = engine::StateStore(context.paths).observe();
  for (const engine::Container* container : engine::select(observed, view.selection)) {
    if (view.index == 0 || container->record.number == view.index) return {};
  }
  if (view.index == 0) return {};
  return make_error(
      fmt::format("service \"{}\" is not running container #{}", *view.selection.services.begin(), view.index));
}

void print_all(const Context& context, const View& view, LogPrinter& printer) {
  engine::StateStore store(context.paths);
  engine::Observed observed = store.observe();
  LogMerge merge(printer, view.period);
  for (const engine::Container* container : engine::select(observed, view.selection)) {
    const engine::ContainerRecord& record = container->record;
    if (view.index != 0 && record.number != view.index) continue;
    LogPrinter::Source& source = printer.add_source(log_name(record));
    if (engine::keeps_no_log(record.config.log))
      fmt::print(stderr, "{}: logging driver \"none\" keeps no output\n", printable(source.name));
    Result<engine::LogReader> reader = engine::LogReader::open(store.log_path(record.id));
    if (!reader) continue;  // it has not run yet
    if (view.tail) reader->seek_tail(*view.tail);
    merge.add(source, std::move(reader).value());
  }
  merge.pump();
  merge.flush();
  merge.tell_open_gaps();
}

int show(const Context& context, const LogsFlags& flags, const View& view, LogStyle style) {
  style.timestamps = flags.timestamps;
  style.colour = !flags.no_color && context.colour(STDOUT_FILENO);
  LogPrinter printer(style);
  if (flags.follow) return follow(context, view, printer);
  print_all(context, view, printer);
  return 0;
}

int run(const Context& context, const LogsFlags& flags) {
  Result<View> view = read_flags(flags);
  if (!view) return report(context, view.error());
  std::optional<engine::Selection> selection = select(context, flags.services);
  if (!selection) return 1;
  view->selection = std::move(*selection);
  if (Status there = require_container(context, *view); !there) return report(context, there);
  LogStyle style;
  style.prefix = !flags.no_prefix;
  return show(context, flags, *view, style);
}

/// As Docker shows them: no names, and what went to standard error goes there.
int run_of_container(const Context& context, const LogsFlags& flags) {
  Result<View> view = read_flags(flags);
  if (!view) return report(context, view.error());
  Result<engine::Container> container = find_container(context, flags.container);
  if (!container) return report(context, container.error());
  view->selection = engine::only(container->record);
  LogStyle style;
  style.prefix = false;
  style.remarks = false;
  style.split_streams = true;
  return show(context, flags, *view, style);
}

void add_flags(Command command, LogsFlags& flags) {
  command.flag("-f,--follow", flags.follow, "Follow log output");
  command.option("-n,--tail", flags.tail, "Number of lines to show from the end of the logs for each container");
  command.option("--since", flags.since, "Show logs since timestamp (2026-11-21T08:15:30Z) or relative (42m)");
  command.option("--until", flags.until, "Show logs before a timestamp (2026-11-21T08:15:30Z) or relative (42m)");
  command.flag("-t,--timestamps", flags.timestamps, "Show timestamps");
}

}  // namespace

void add_logs(Command app, Context& context) {
  auto flags = std::make_shared<LogsFlags>();
  Command command = app.add_command("logs", "View output from containers");
  command.option("SERVICE", flags->services, "Services to show; all if none is named");
  add_flags(command, *flags);
  command.option("--index", flags->index, "Index of the container if service has multiple replicas");
  command.flag("--no-color", flags->no_color, "Produce monochrome output");
  command.flag("--no-log-prefix", flags->no_prefix, "Don't print prefix in logs");
  command.dry_runs(context);
  command.runs(context, [&context, flags] { return run(context, *flags); });
}

void add_container_logs(Command noun, Context& context) {
  auto flags = std::make_shared<LogsFlags>();
  Command command = noun.add_command("logs", "Fetch the logs of a container");
  choose_container(command, flags->container, false);
  add_flags(command, *flags);
  command.ignore_flag("--details");  // of drivers that berth does not have
  command.runs(context, [&context, flags] { return run_of_container(context, *flags); });
}

}  // namespace berth::cli
