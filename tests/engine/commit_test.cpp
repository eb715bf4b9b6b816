#include "engine/commit.h"

#include <catch2/catch.hpp>

using namespace berth;
using namespace berth::engine;

TEST_CASE("an image made from a container runs as the container did") {
  images::ImageConfig image;
  image.entrypoint = {"/entry"};
  image.cmd = {"serve"};
  image.exposed_ports = {"80/tcp"};
  image.labels = {{"from", "image"}, {"both", "image"}};
  image.stop_signal = "SIGINT";
  ContainerRecord record;
  record.env = {"A=1"};
  record.user = "nobody";
  record.working_dir = "/";  // nobody asked for one
  record.labels = {{"both", "container"}};
  record.expose = {"443", "53/udp"};

  images::ImageConfig config = committed_config(record, image);
  CHECK(config.entrypoint == image.entrypoint);
  CHECK(config.cmd == image.cmd);
  CHECK(config.env == record.env);
  CHECK(config.user == "nobody");
  CHECK(config.working_dir.empty());
  CHECK(config.stop_signal == "SIGINT");
  CHECK(config.exposed_ports == std::vector<std::string>{"443/tcp", "53/udp", "80/tcp"});
  CHECK(config.labels == std::map<std::string, std::string>{{"from", "image"}, {"both", "container"}});
  CHECK_FALSE(config.healthcheck.has_value());

  record.config.working_dir = "/srv";
  CHECK(committed_config(record, image).working_dir == "/srv");
  record.config.command = std::vector<std::string>{"other"};
  CHECK(committed_config(record, image).cmd == std::vector<std::string>{"other"});
  record.config.entrypoint = std::vector<std::string>{"/mine"};
  record.config.command.reset();
  CHECK(committed_config(record, image).entrypoint == std::vector<std::string>{"/mine"});
  CHECK(committed_config(record, image).cmd.empty());

  image.healthcheck = images::ImageHealthcheck{{"CMD", "true"}};
  CHECK(committed_config(record, image).healthcheck->test == std::vector<std::string>{"CMD", "true"});
  record.config.health = HealthConfig{{"NONE"}};
  CHECK(committed_config(record, image).healthcheck->test == std::vector<std::string>{"NONE"});
}
