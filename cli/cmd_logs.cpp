#include <fmt/core.h>
#include <poll.h>
#include <unistd.h>

#include <memory>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/log_follower.h"
#include "cli/project.h"
#include "cli/signals.h"

namespace berth::cli {
namespace {

struct Flags {
  std::vector<std::string> services;
  bool follow = false, timestamps = false, no_color = false, no_prefix = false;
  std::string tail = "all";
};

/// Entries of several containers in the order of their times.
class Merge {
 public:
  Merge(const engine::StateStore& store, const std::vector<const engine::Container*>& containers,
        std::optional<size_t> tail, LogPrinter& printer)
      : printer_(printer) {
    for (const engine::Container* container : containers) {
      printer_.add_source(log_name(container->record));
      Result<engine::LogReader> reader = engine::LogReader::open(store.log_path(container->record.id));
      if (!reader) continue;  // it has not run yet
      if (tail) reader->seek_tail(*tail);
      sources_.push_back({log_name(container->record), std::move(reader).value(), std::nullopt});
      sources_.back().head = sources_.back().reader.next();
    }
  }

  void print_all() {
    while (Source* first = earliest()) {
      printer_.print(first->name, *first->head);
      first->head = first->reader.next();
    }
    for (const Source& source : sources_) printer_.flush(source.name);
  }

 private:
  struct Source {
    std::string name;
    engine::LogReader reader;
    std::optional<engine::LogEntry> head;
  };

  Source* earliest() {
    Source* first = nullptr;
    for (Source& source : sources_) {
      if (source.head && (first == nullptr || source.head->time_ns < first->head->time_ns)) first = &source;
    }
    return first;
  }

  LogPrinter& printer_;
  std::vector<Source> sources_;
};

int follow(const Context& context, const engine::Selection& selection, LogPrinter& printer,
           std::optional<size_t> tail) {
  LogFollower follower(engine::StateStore(context.paths), selection, printer, 0, false);
  if (tail) follower.tail(*tail);
  Signals signals;
  for (;;) {
    follower.pump();
    // Stopped containers may be started again by somebody, but nobody waits for that: as docker compose, this ends with
    // them.
    if (follower.all_ended()) return 0;
    pollfd fds[] = {{follower.fd().get(), POLLIN, 0}, {signals.fd().get(), POLLIN, 0}};
    poll(fds, 2, -1);
    if (signals.take() != 0) return 130;
  }
}

int run(const Context& context, const Flags& flags) {
  std::optional<engine::Selection> selection = select(context, flags.services);
  if (!selection) return 1;
  std::optional<size_t> tail;
  if (flags.tail != "all") {
    std::optional<unsigned long long> lines = parse_unsigned(flags.tail);
    if (!lines) {
      print_error(context, make_error("--tail takes a number of lines or \"all\", not \"" + flags.tail + "\""));
      return 1;
    }
    tail = *lines;
  }
  LogStyle style;
  style.prefix = !flags.no_prefix;
  style.timestamps = flags.timestamps;
  style.colour = !flags.no_color && context.colour(STDOUT_FILENO);
  LogPrinter printer(style);
  if (flags.follow) return follow(context, *selection, printer, tail);
  engine::StateStore store(context.paths);
  engine::Observed observed = store.observe();
  Merge(store, engine::select(observed, *selection), tail, printer).print_all();
  return 0;
}

}  // namespace

void add_logs(Command app, Context& context) {
  auto flags = std::make_shared<Flags>();
  Command command = app.add_command("logs", "View output from containers");
  command.option("SERVICE", flags->services, "Services to show; all if none is named");
  command.flag("-f,--follow", flags->follow, "Follow log output");
  command.option("-n,--tail", flags->tail, "Number of lines to show from the end of the logs for each container");
  command.flag("-t,--timestamps", flags->timestamps, "Show timestamps");
  command.flag("--no-color", flags->no_color, "Produce monochrome output");
  command.flag("--no-log-prefix", flags->no_prefix, "Don't print prefix in logs");
  command.dry_runs(context);
  command.runs(context, [&context, flags] { return run(context, *flags); });
}

}  // namespace berth::cli
