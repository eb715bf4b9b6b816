#include <fmt/core.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <memory>

#include "cli/commands.h"
#include "cli/container_choice.h"
#include "cli/container_commands.h"
#include "cli/listing.h"
#include "cli/project.h"
#include "cli/signals.h"
#include "cli/sizes.h"
#include "cli/usage.h"

namespace berth::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kPeriodMs = 1000;
constexpr int kFirstPeriodMs = 200;  // enough to tell how busy a processor is

struct StatsFlags {
  std::vector<std::string> names;  // one service at most, or containers
  std::string format;
  bool all = false, no_stream = false, no_trunc = false;
};

/// The containers to show now; they may come and go while we watch.
using Choose = std::function<Result<std::vector<engine::Container>>()>;

double cpu_percent(const Usage& before, const Usage& now) {
  double elapsed = static_cast<double>(now.at_ns - before.at_ns);
  if (elapsed <= 0 || now.group.cpu_ns < before.group.cpu_ns) return 0;
  return static_cast<double>(now.group.cpu_ns - before.group.cpu_ns) * 100 / elapsed;
}

/// The keys of `docker stats --format json`, in its order.
Json row(const engine::Container& container, const Usage& before, const Usage& now, uint64_t machine_memory,
         bool full) {
  bool alive = container.live.alive();
  uint64_t limit = now.group.memory_limit != 0 ? std::min(now.group.memory_limit, machine_memory) : machine_memory;
  double share = alive ? static_cast<double>(now.group.memory_usage) * 100 / static_cast<double>(limit) : 0;
  std::string id = full ? container.record.id : container.record.short_id();
  return {{"BlockIO", size_text(now.group.blkio_read_bytes) + " / " + size_text(now.group.blkio_write_bytes)},
          {"CPUPerc", fmt::format("{:.2f}%", cpu_percent(before, now))},
          {"Container", id},
          {"ID", id},
          {"MemPerc", fmt::format("{:.2f}%", share)},
          {"MemUsage", binary_size_text(now.group.memory_usage) + " / " + binary_size_text(alive ? limit : 0)},
          {"Name", container.record.name},
          {"NetIO", size_text(now.received_bytes) + " / " + size_text(now.sent_bytes)},
          {"PIDs", std::to_string(now.group.pids)}};
}

const std::vector<Column> kColumns = {
    {"CONTAINER ID", "ID"}, {"NAME", "Name"},     {"CPU %", "CPUPerc"},     {"MEM USAGE / LIMIT", "MemUsage"},
    {"MEM %", "MemPerc"},   {"NET I/O", "NetIO"}, {"BLOCK I/O", "BlockIO"}, {"PIDS", "PIDs"}};

class Watching {
 public:
  Watching(const StatsFlags& flags, const Choose& choose, UsageReader reader)
      : flags_(flags), choose_(choose), reader_(std::move(reader)) {}

  /// The text of one reading, in comparison with the last one.
  Result<std::string> reading() {
    BERTH_TRY(std::vector<engine::Container> containers, choose_());
    std::map<std::string, Usage> now;
    std::vector<Json> rows;
    for (const engine::Container& container : containers) {
      if (!flags_.all && !container.live.alive()) continue;
      const std::string& id = container.record.id;
      now[id] = reader_.read(container);
      auto before = last_.find(id);
      rows.push_back(row(container, before == last_.end() ? now[id] : before->second, now[id], reader_.machine_memory(),
                         flags_.no_trunc));
    }
    last_ = std::move(now);
    return render_listing(rows, kColumns, flags_.format);
  }

 private:
  const StatsFlags& flags_;
  const Choose& choose_;
  UsageReader reader_;
  std::map<std::string, Usage> last_;  // by container id
};

/// On a terminal each reading is drawn over the last one.
void print(const std::string& text, bool over) {
  if (!over) {
    fmt::print("{}", text);
  } else {
    std::string drawn = "\x1b[H";
    for (char c : text) drawn += c == '\n' ? "\x1b[K\n" : std::string(1, c);
    fmt::print("{}\x1b[J", drawn);
  }
  fflush(stdout);
}

Result<int> watch(const Context& context, const StatsFlags& flags, const Choose& choose) {
  BERTH_TRY(UsageReader reader, UsageReader::make(context));
  Watching watching(flags, choose, std::move(reader));
  BERTH_TRY(std::string text, watching.reading());  // what the first one is compared with
  Signals signals;
  bool over = !flags.no_stream && flags.format.empty() && isatty(STDOUT_FILENO) == 1;
  if (over) fmt::print("\x1b[2J");
  for (int period = kFirstPeriodMs;; period = kPeriodMs) {
    pollfd fd{signals.fd().get(), POLLIN, 0};
    if (poll(&fd, 1, period) > 0 && signals.take() != 0) return 130;
    BERTH_TRY(text, watching.reading());
    print(text, over);
    if (flags.no_stream) return 0;
  }
}

int run(const Context& context, const StatsFlags& flags, const Choose& choose) {
  Result<int> code = watch(context, flags, choose);
  return code ? *code : report(context, code.error());
}

Result<std::vector<engine::Container>> of_project(const Context& context, const engine::Selection& selection) {
  engine::Observed observed = engine::StateStore(context.paths).observe();
  std::vector<engine::Container> containers;
  for (const engine::Container* container : engine::select(observed, selection)) containers.push_back(*container);
  return containers;
}

Result<std::vector<engine::Container>> by_name(const Context& context, const std::vector<std::string>& names) {
  if (names.empty()) return engine::StateStore(context.paths).observe().containers;
  std::vector<engine::Container> containers;
  for (const std::string& name : names) {
    BERTH_TRY(engine::Container container, find_container(context, {false, name, 0}));
    containers.push_back(std::move(container));
  }
  return containers;
}

void add_flags(Command command, StatsFlags& flags) {
  command.flag("-a,--all", flags.all, "Show all containers (default shows just running)");
  command.option("--format", flags.format, "table, json, or a Go template");
  command.flag("--no-stream", flags.no_stream, "Disable streaming stats and only pull the first result");
  command.flag("--no-trunc", flags.no_trunc, "Do not truncate output");
}

}  // namespace

void add_stats(Command app, Context& context) {
  auto flags = std::make_shared<StatsFlags>();
  Command command = app.add_command("stats", "Display a live stream of container(s) resource usage statistics");
  command.option("SERVICE", flags->names, "Services; all if none is named");
  add_flags(command, *flags);
  command.dry_runs(context);
  command.runs(context, [&context, flags] {
    std::optional<engine::Selection> selection = select(context, flags->names);
    return selection ? run(context, *flags, [&] { return of_project(context, *selection); }) : 1;
  });
}

void add_container_stats(Command noun, Context& context) {
  auto flags = std::make_shared<StatsFlags>();
  Command command = noun.add_command("stats", "Display a live stream of container(s) resource usage statistics");
  command.option("CONTAINER", flags->names, "Names or ids; all if none is named");
  add_flags(command, *flags);
  command.runs(context,
               [&context, flags] { return run(context, *flags, [&] { return by_name(context, flags->names); }); });
}

}  // namespace berth::cli
