// What goes on side by side, and what is done once.

#include <atomic>
#include <catch2/catch.hpp>
#include <latch>
#include <thread>

#include "builder/shared_steps.h"
#include "builder/stage_graph.h"
#include "builder/tasks.h"
#include "dockerfile/parse.h"

using namespace berth;
using namespace berth::builder;

namespace {

std::vector<StageLinks> links_of(const std::string& text, Values build_args = {}) {
  Diagnostics diagnostics;
  dockerfile::Dockerfile file = dockerfile::parse("Dockerfile", text, diagnostics).value();
  REQUIRE_FALSE(diagnostics.has_errors());
  Given given{std::move(build_args), {}, {}, ""};
  Scope global(given);
  for (const auto& instruction : file.global_args) {
    for (const auto& arg : std::get<dockerfile::Arg>(instruction.what).all) global.declare(arg.name.value, {});
  }
  return link_stages(file, global);
}

images::CachedStep step_of(const std::string& text) {
  return {images::Descriptor{"", images::sha256_of(text), 1, {}, std::nullopt}, images::sha256_of(text), text};
}

}  // namespace

TEST_CASE("stages are linked to what they go on from and to what they read") {
  std::vector<StageLinks> links = links_of(R"(ARG BASE
FROM busybox AS a
FROM $BASE AS b
COPY --from=a / /
RUN --mount=type=bind,from=0,target=/x true
FROM image AS c
COPY --from=b / /
COPY --from=c / /
COPY --from=elsewhere / /
COPY --from=3 / /
FROM b
)",
                                           {{"BASE", "a"}});
  REQUIRE(links.size() == 4);
  CHECK_FALSE(links[0].base);
  CHECK(links[0].needs.empty());
  CHECK(links[1].base == 0U);
  CHECK(links[1].needs == std::vector<size_t>{0});
  CHECK_FALSE(links[2].base);
  CHECK(links[2].needs == std::vector<size_t>{1});  // neither itself nor one behind it
  CHECK(links[3].needs == std::vector<size_t>{1});
}

TEST_CASE("tasks run once, side by side, and wait for each other") {
  std::atomic<int> runs[4] = {};
  std::latch both(2);
  bool first_was_over = false;
  {
    Tasks* all = nullptr;
    Tasks tasks(4, [&](size_t index) {
      ++runs[index];
      if (index < 2) both.arrive_and_wait();  // would never end one after the other
      if (index != 2) return;
      all->start(0);
      all->start(1);
      all->wait(0);
      all->wait(1);
      first_was_over = true;
    });
    all = &tasks;
    tasks.start(2);
    tasks.start(1);
    tasks.wait(2);
    CHECK(first_was_over);
    tasks.wait(2);
  }
  CHECK(runs[0] == 1);
  CHECK(runs[1] == 1);
  CHECK(runs[2] == 1);
  CHECK(runs[3] == 0);
}

TEST_CASE("whoever drops tasks waits for those that a running one still starts") {
  std::atomic<bool> done = false;
  {
    Tasks* all = nullptr;
    std::latch go(1);
    Tasks tasks(2, [&](size_t index) {
      if (index == 0) go.wait(), all->start(1);
      if (index == 1) done = true;
    });
    all = &tasks;
    tasks.start(0);
    go.count_down();
  }
  CHECK(done);
}

TEST_CASE("a step that two want is made once") {
  SharedSteps steps;
  std::atomic<int> made = 0, here = 0;
  std::latch begun(1);
  auto never = [] { return false; };
  images::Digest key = images::sha256_of("key");
  auto want = [&] {
    auto step = steps.get(
        key,
        [&]() -> Result<images::CachedStep> {
          ++made;
          begun.count_down();
          return step_of("x");
        },
        never);
    if (step.value().made_here) ++here;
    CHECK(step.value().step.created == "x");
  };
  std::thread other(want);
  want();
  other.join();
  begun.wait();
  CHECK(made == 1);
  CHECK(here == 1);
}

TEST_CASE("a step that failed is made again by the next, and nobody waits longer than the build lasts") {
  SharedSteps steps;
  images::Digest key = images::sha256_of("key");
  auto never = [] { return false; };
  auto fails = []() -> Result<images::CachedStep> { return make_error("no"); };
  CHECK_FALSE(steps.get(key, fails, never).ok());
  CHECK(steps
            .get(
                key, [] { return Result<images::CachedStep>(step_of("x")); }, never)
            .value()
            .made_here);

  std::latch begun(1), end(1);
  images::Digest other = images::sha256_of("other");
  std::thread maker([&] {
    (void)steps.get(
        other,
        [&]() -> Result<images::CachedStep> {
          begun.count_down();
          end.wait();
          return step_of("y");
        },
        never);
  });
  begun.wait();
  CHECK(steps.get(other, fails, [] { return true; }).error().code == ECANCELED);
  end.count_down();
  maker.join();
}
