#include "engine/plan_prune.h"

#include <catch2/catch.hpp>

using namespace berth::engine;

namespace {

Container container(const std::string& name, Status status, int64_t created_ns = 100) {
  Container c;
  c.record.id = name + "-id";
  c.record.name = name;
  c.record.project = "shop";
  c.record.created_ns = created_ns;
  c.record.config.attachments = {{"shop_default"}};
  c.live.status = status;
  return c;
}

Observed shop() {
  Observed observed;
  observed.containers = {container("old", Status::exited, 50), container("ran", Status::exited),
                         container("web", Status::running)};
  NetworkRecord used, unused, foreign;
  used.project = unused.project = "shop";
  used.config.name = "shop_default";
  unused.config.name = "shop_back";
  unused.created_ns = 100;
  foreign.project = "other";
  foreign.config.name = "other_default";
  observed.networks = {used, unused, foreign};
  return observed;
}

}  // namespace

TEST_CASE("prune removes what does not run, and networks that nobody is attached to") {
  Observed observed = shop();
  CHECK(to_text(plan_prune("shop", observed, {})) ==
        "remove container old (prune)\nremove container ran (prune)\n"
        "remove network shop_back after remove old, remove ran (prune)\n");
  observed.containers.pop_back();
  CHECK(to_text(plan_prune("shop", observed, {})).find("shop_default") != std::string::npos);
  CHECK(plan_prune("none", observed, {}).empty());
}

TEST_CASE("prune keeps what is paused, restarting or attached to another project's container") {
  Observed observed = shop();
  observed.containers = {container("a", Status::paused), container("b", Status::restarting)};
  CHECK(to_text(plan_prune("shop", observed, {})) == "remove network shop_back (prune)\n");
  observed.containers = {container("c", Status::exited)};
  observed.containers[0].record.project = "other";
  CHECK(to_text(plan_prune("shop", observed, {})) == "remove network shop_back (prune)\n");
}

TEST_CASE("filters of prune go by age and labels") {
  Observed observed = shop();
  PruneOptions options;
  options.created_before_ns = 100;
  CHECK(to_text(plan_prune("shop", observed, options)) == "remove container old (prune)\n");
  options = {};
  observed.containers[1].record.labels = {{"keep", "yes"}};
  options.labels = {{"keep", std::nullopt, true}};
  CHECK(to_text(plan_prune("shop", observed, options)) == "remove container ran (prune)\n");
  CHECK(matches(options.labels, {{"keep", ""}}));
  options.labels = {{"keep", "yes", false}};
  CHECK(to_text(plan_prune("shop", observed, options)).find("ran") == std::string::npos);
  options.labels = {{"keep", "no", true}};
  CHECK(plan_prune("shop", observed, options).empty());
}
