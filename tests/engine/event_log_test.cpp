#include "engine/event_log.h"

#include <catch2/catch.hpp>
#include <fstream>

#include "tests/support/temp_dir.h"

using namespace berth;
using namespace berth::engine;

namespace {

struct Log {
  test::TempDir dir;
  sys::Paths paths{dir / "root", dir.path()};
  EventLog log{paths};

  [[nodiscard]] static Event event(const std::string& action, int64_t time_ns, const std::string& id = "abc") {
    return {time_ns, action, id, "shop", "web", false, {{"name", "shop-web-1"}}};
  }
  void add(const std::string& action, int64_t time_ns) const { log.add(event(action, time_ns)); }
  [[nodiscard]] static std::vector<std::string> rest(EventReader& reader) {
    std::vector<std::string> actions;
    while (std::optional<Event> next = reader.next()) actions.push_back(next->action);
    return actions;
  }
};

using Actions = std::vector<std::string>;

}  // namespace

TEST_CASE("events: are read in their order, and the reader goes on where it stopped") {
  Log log;
  EventReader reader(log.paths);
  CHECK_FALSE(reader.next());
  log.add("create", 1);
  log.add("start", 2);
  CHECK(Log::rest(reader) == Actions{"create", "start"});
  log.add("die", 3);
  CHECK(Log::rest(reader) == Actions{"die"});
}

TEST_CASE("events: one that was written twice comes once") {
  Log log;
  log.add("die", 5);
  log.add("die", 5);
  log.add("die", 6);
  EventReader reader(log.paths);
  CHECK(Log::rest(reader) == Actions{"die", "die"});
}

TEST_CASE("events: a torn or foreign line is skipped, also when its rest comes later") {
  Log log;
  std::ofstream(EventLog::path(log.paths)) << "nonsense\n[1]\n{\"action\":7}\n";
  log.add("start", 1);
  EventReader reader(log.paths);
  CHECK(Log::rest(reader) == Actions{"start"});
  std::ofstream(EventLog::path(log.paths), std::ios::app) << R"({"time_ns":2,"action":"d)";
  CHECK(Log::rest(reader).empty());
  std::ofstream(EventLog::path(log.paths), std::ios::app) << "ie\"}\n";
  CHECK(Log::rest(reader) == Actions{"die"});
}

TEST_CASE("events: a log that has grown large becomes the old one, and readers follow") {
  Log log;
  EventReader reader(log.paths);
  Event large = Log::event("start", 0);
  large.attributes["label"] = std::string(1 << 20, 'x');
  size_t seen = 0;
  for (int64_t i = 1; i <= 20; ++i) {
    large.time_ns = i;
    log.log.add(large);
    seen += Log::rest(reader).size();
  }
  CHECK(seen == 20);
  EventReader later(log.paths);
  std::vector<std::string> kept = Log::rest(later);
  CHECK(kept.size() < 20);
  CHECK(kept.size() >= 8);
}

TEST_CASE("events: what a supervisor that was killed did not write is found out") {
  std::vector<Event> logged = {Log::event("create", 10, "gone"), Log::event("start", 20, "stays")};
  Container stays, fresh;
  stays.record.id = "stays";
  stays.record.created_ns = 5;
  stays.live.status = engine::Status::running;
  stays.live.started_ns = 19;
  fresh.record.id = "fresh";
  fresh.record.created_ns = 30;
  fresh.live.status = engine::Status::running;
  fresh.live.started_ns = 40;
  Actions told;
  for (const Event& event : missing_events(logged, {stays, fresh})) told.push_back(event.action + " " + event.id);
  CHECK(told == Actions{"create fresh", "start fresh", "destroy gone"});
}

TEST_CASE("events: a container that is older than the log is not told as new") {
  Container old;
  old.record.id = "old";
  old.record.created_ns = 5;
  CHECK(missing_events({Log::event("start", 20, "old")}, {old}).empty());
}
