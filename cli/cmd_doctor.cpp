#include "cli/cmd_doctor.h"

#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "base/text.h"
#include "cli/doctor/scan.h"
#include "cli/listing.h"
#include "cli/project.h"
#include "sys/file.h"
#include "sys/lock.h"

namespace berth::cli {
namespace {

using doctor::Standing;
using doctor::Thing;
using doctor::Things;
using Json = nlohmann::ordered_json;

struct DoctorFlags {
  std::string format;
  bool fix = false;
};

const char* word(Standing standing) {
  switch (standing) {
    case Standing::owned:
      return "owned";
    case Standing::leftover:
      return "leftover";
    case Standing::uncertain:
      return "uncertain";
  }
  return "";
}

Json row(const Thing& thing) {
  return {{"Kind", thing.kind}, {"Name", thing.name},    {"Owner", thing.owner}, {"State", word(thing.standing)},
          {"Why", thing.why},   {"Detail", thing.detail}};
}

size_t count(const Things& things, Standing standing) {
  return static_cast<size_t>(
      std::ranges::count_if(things, [&](const Thing& thing) { return thing.standing == standing; }));
}

/// Removes what has no owner, and says so. What is still there afterwards is in the next look.
void remove_leftovers(const Context& context, const Things& things) {
  for (const Thing& thing : things) {
    if (thing.standing != Standing::leftover || !thing.remove) continue;
    Status removed = thing.remove();
    if (removed)
      fmt::print(stderr, "removed {} {}\n", thing.kind, printable(thing.name));
    else
      print_error(context, removed.error());
  }
}

Things fix(const Context& context, Things things) {
  constexpr int kRounds = 3;  // what held others may have to go before them
  for (int round = 0; round < kRounds && count(things, Standing::leftover) > 0; ++round) {
    remove_leftovers(context, things);
    things = doctor::scan(context.paths);
  }
  return things;
}

/// Nobody starts keeper and supervisor while this looks and removes, if none runs; else what is on record is theirs.
std::optional<sys::FileLock> hold_off_helpers(const sys::Paths& paths) {
  if (!sys::exists(paths.run)) return std::nullopt;
  Result<sys::FileLock> lock = sys::FileLock::acquire(paths.run + "/start.lock");
  return lock ? std::optional(std::move(lock).value()) : std::nullopt;
}

Result<int> examine(const Context& context, const DoctorFlags& flags) {
  std::optional<sys::FileLock> lock;
  if (flags.fix) lock = hold_off_helpers(context.paths);
  Things things = doctor::scan(context.paths);
  if (flags.fix) things = fix(context, std::move(things));
  std::ranges::stable_sort(things, {}, [](const Thing& thing) { return thing.standing; });
  std::vector<Json> rows;
  std::ranges::transform(things, std::back_inserter(rows), row);
  const std::vector<Column> columns = {{"KIND", "Kind"},   {"NAME", "Name"}, {"OWNER", "Owner"},
                                       {"STATE", "State"}, {"WHY", "Why"},   {"DETAIL", "Detail"}};
  BERTH_TRY(std::string text, render_listing(rows, columns, flags.format));
  fmt::print("{}", text);
  size_t left = count(things, Standing::leftover), uncertain = count(things, Standing::uncertain);
  if (left > 0 && !flags.fix)
    fmt::print(stderr, "{} of {} have no owner: `berth doctor --fix` removes them\n", left, things.size());
  if (uncertain > 0)
    fmt::print(stderr, "{} of {} may belong to somebody, and are left alone\n", uncertain, things.size());
  return left > 0 ? 1 : 0;
}

}  // namespace

void add_doctor(Command app, Context& context) {
  auto flags = std::make_shared<DoctorFlags>();
  Command command = app.add_command("doctor", "List all that belongs to berth on this machine, and what has no owner");
  command.flag("--fix", flags->fix, "Remove what has no owner");
  command.option("--format", flags->format, "table, json, or a Go template");
  command.runs(context, [&context, flags] {
    Result<int> code = examine(context, *flags);
    return code ? *code : report(context, code.error());
  });
}

}  // namespace berth::cli
