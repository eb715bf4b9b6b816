#include <catch2/catch.hpp>

#include "cli/trace/recorder.h"
#include "cli/trace/timeline.h"

using namespace berth;
using namespace berth::cli::trace;

namespace {

/// web waits for db to be healthy; cache is quicker.
Timeline shop() {
  Timeline timeline;
  timeline.project = "shop";
  timeline.end_us = 500'000;
  timeline.spans = {{"berth", "read the project", 0, 4'000, "", false},
                    {"berth", "plan", 4'000, 5'000, "", false},
                    {"Container shop-db-1", "network", 12'000, 20'000, "", false},
                    {"Container shop-db-1", "exec", 20'000, 25'000, "/usr/bin/postgres", false},
                    {"Container shop-db-1", "probe", 30'000, 40'000, "exit code 1", true},
                    {"Container shop-db-1", "probe", 415'000, 437'000, "exit code 0", false}};
  timeline.steps = {{"Network shop_default", "Create", 5'000, 10'000, false, {}},
                    {"Container shop-db-1", "Start", 10'000, 25'000, false, {0}},
                    {"Container shop-cache-1", "Start", 10'000, 30'000, false, {0}},
                    {"Container shop-db-1", "Wait until healthy", 25'000, 437'000, false, {1}},
                    {"Container shop-web-1", "Start", 437'000, 500'000, false, {2, 3}}};
  return timeline;
}

std::vector<std::string> names(const std::vector<Leg>& path) {
  std::vector<std::string> names;
  for (const Leg& leg : path) names.push_back(leg.who + " " + leg.what);
  return names;
}

}  // namespace

TEST_CASE("the critical path goes back from what ended last to what it waited for last") {
  const std::vector<Leg> path = critical_path(shop());
  CHECK(names(path) == std::vector<std::string>{"berth read the project", "berth plan", "network default create",
                                                "db-1 start", "db-1 healthy", "web-1 start"});
  CHECK(path[3].why == "network 8.0 ms, exec 5.0 ms");
  CHECK(path[4].why == "after 412 ms, of which postgres needed 390 ms (2 probes, the last took 22 ms)");
  CHECK(verdict(path) == "db-1 took most of it: healthy " + path[4].why);
}

TEST_CASE("a script that has become another program is called by that name") {
  Timeline timeline = shop();
  timeline.spans[3].note = "docker-entrypoint.sh";
  timeline.spans.push_back({"Container shop-db-1", "healthy", 437'000, 437'000, "postgres", false});
  CHECK(critical_path(timeline)[4].why.find("of which postgres needed 390 ms") != std::string::npos);
}

TEST_CASE("a step that failed is the end of the path") {
  Timeline timeline = shop();
  timeline.steps.pop_back();
  timeline.steps[3].failed = true;
  CHECK(critical_path(timeline).back().why == "failed");
}

TEST_CASE("nothing that happened has no path, and can be drawn") {
  Timeline timeline;
  CHECK(critical_path(timeline).empty());
  CHECK(to_waterfall(timeline, {}).find("up took 0.0 ms\n") != std::string::npos);
  CHECK(engine::Json::parse(to_chrome(timeline)).contains("traceEvents"));
}

TEST_CASE("the waterfall has a bar for each part that can be seen") {
  const std::string drawn = to_waterfall(shop(), {100, false, false});
  CHECK(drawn.find("\x1b") == std::string::npos);
  CHECK(drawn.find("db-1") != std::string::npos);
  CHECK(drawn.find("  healthy") != std::string::npos);
  CHECK(drawn.find("    2 probes") != std::string::npos);
  CHECK(drawn.find("#####") != std::string::npos);
  CHECK(drawn.find("up took 500 ms; db-1 took most of it") != std::string::npos);
  for (size_t at = 0, end; (end = drawn.find('\n', at)) != std::string::npos; at = end + 1) {
    if (drawn.find('#', at) < end) CHECK(end - at <= 100);
  }
}

TEST_CASE("events of one thread lie beside or within each other") {
  Timeline timeline = shop();
  timeline.spans.push_back({"Container shop-db-1", "overlaps", 15'000, 22'000, "", false});
  timeline.spans.push_back({"Container shop-db-1", "moment", 16'000, 16'000, "", false});
  const engine::Json trace = engine::Json::parse(to_chrome(timeline));
  std::map<int, std::vector<int64_t>> open;
  int moments = 0;
  for (const engine::Json& event : trace["traceEvents"]) {
    if (event["ph"] == "M") continue;
    if (event["ph"] == "i") ++moments;
    std::vector<int64_t>& ends = open[event["tid"].get<int>()];
    const auto begin = event["ts"].get<int64_t>();
    const int64_t end = begin + event.value("dur", int64_t{0});
    while (!ends.empty() && ends.back() <= begin) ends.pop_back();
    CHECK((ends.empty() || end <= ends.back()));
    ends.push_back(end);
  }
  CHECK(moments == 1);
}

TEST_CASE("a recorder puts together what the supervisor and helpers tell") {
  Recorder recorder;
  recorder.on_event({{"type", "span"}, {"who", "berth"}, {"what", "plan"}, {"begin_us", 1}, {"end_us", 2}});
  auto step = [&](size_t plan, size_t id, const char* state, int64_t at, std::vector<size_t> after) {
    recorder.on_event({{"type", "step"},
                       {"state", state},
                       {"step", id},
                       {"plan", plan},
                       {"kind", "Container"},
                       {"name", "shop-a-1"},
                       {"verb", "Start"},
                       {"at_us", at},
                       {"after", after}});
  };
  step(1, 0, "started", 3, {});
  step(1, 0, "done", 5, {});
  step(1, 1, "started", 5, {0});
  step(1, 1, "failed", 6, {0});
  step(2, 0, "started", 7, {});
  recorder.on_event({{"type", "step"}, {"state", "started"}, {"step", 7}});  // without times
  write_span(recorder.helper_fd(), {"Image x", "pull", 8, 9, "", false});
  const Timeline timeline = recorder.timeline("shop");
  REQUIRE(timeline.steps.size() == 3);
  CHECK(timeline.steps[0].end_us == 5);
  CHECK(timeline.steps[1].after == std::vector<size_t>{0});
  CHECK(timeline.steps[1].failed);
  CHECK(timeline.steps[2].after == std::vector<size_t>{1});  // plans come one after the other
  CHECK(timeline.steps[2].failed);                           // nobody has seen it end
  REQUIRE(timeline.spans.size() == 2);
  CHECK(timeline.spans[1] == engine::Span{"Image x", "pull", 8, 9, "", false});
}

TEST_CASE("times are short and names are those of the project") {
  CHECK(time_text(0) == "0.0 ms");
  CHECK(time_text(3'440) == "3.4 ms");
  CHECK(time_text(412'000) == "412 ms");
  CHECK(time_text(1'284'000) == "1.284 s");
  CHECK(short_name(shop(), "Container shop-db-1") == "db-1");
  CHECK(short_name(shop(), "Container other") == "other");
  CHECK(short_name(shop(), "Network shop_default") == "network default");
  CHECK(short_name(shop(), "Image shop_x") == "image shop_x");
  CHECK(short_verb("Wait until healthy") == "healthy");
}
