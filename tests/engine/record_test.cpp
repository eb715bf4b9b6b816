#include "engine/record.h"

#include <catch2/catch.hpp>

#include "tests/engine/values.h"

using namespace berth;
using namespace berth::engine;
using namespace berth::test;
using namespace std::chrono_literals;

namespace {

using Words = std::vector<std::string>;

images::Image image() {
  images::Digest id = images::Digest::parse("sha256:" + std::string(64, 'a')).value();
  images::Image image{id, id, {}, {}, {}, {}, 0, ""};
  image.config.entrypoint = {"/entry"};
  image.config.cmd = {"serve", "--all"};
  image.config.env = {"PATH=/bin", "LANG=C", "KEPT=1"};
  image.layer_dirs = {"/upper", "/lower"};
  return image;
}

CreateContainer replica(const ServiceConfig& service, int64_t number) {
  return {{"shop-" + service.name + "-" + std::to_string(number), ""}, service.name, number};
}

ContainerRecord merged(const ContainerConfig& config, const images::Image& from = image()) {
  ServiceConfig s = service("web");
  s.container = config;
  Result<ContainerRecord> record = make_record(stack_of({s}), s, replica(s, 2), from);
  REQUIRE(record);
  return std::move(record).value();
}

}  // namespace

TEST_CASE("an image alone says what runs") {
  ContainerRecord r = merged({});
  CHECK(r.args == Words{"/entry", "serve", "--all"});
  CHECK(r.env == Words{"PATH=/bin", "LANG=C", "KEPT=1"});
  CHECK(r.user.empty());
  CHECK(r.working_dir == "/");
  CHECK(r.stop_signal == "SIGTERM");
  CHECK(r.stop_grace_ns == 10'000'000'000);
  CHECK_FALSE(r.health);
  CHECK(r.layers == Words{"/upper", "/lower"});
  CHECK(r.image_id == "sha256:" + std::string(64, 'a'));
}

TEST_CASE("ports of the image are exposed beside those of the file") {
  images::Image from = image();
  from.config.exposed_ports = {"443/tcp", "53/udp", "80/tcp"};
  ContainerConfig config;
  config.expose = {"80", "9000"};
  CHECK(merged(config, from).expose == Words{"80", "9000", "443/tcp", "53/udp"});
}

TEST_CASE("a command replaces the image's and goes behind its entrypoint") {
  ContainerConfig config;
  config.command = Words{"migrate"};
  CHECK(merged(config).args == Words{"/entry", "migrate"});
  config.command = Words{};
  CHECK(merged(config).args == Words{"/entry"});
}

TEST_CASE("an entrypoint drops the image's entrypoint and command") {
  ContainerConfig config;
  config.entrypoint = Words{"/bin/sh", "-c"};
  CHECK(merged(config).args == Words{"/bin/sh", "-c"});
  config.command = Words{"date"};
  CHECK(merged(config).args == Words{"/bin/sh", "-c", "date"});
  config.entrypoint = Words{};
  CHECK(merged(config).args == Words{"date"});
}

TEST_CASE("nothing to run is an error that says what to do") {
  images::Image empty = image();
  empty.config.entrypoint.clear();
  empty.config.cmd.clear();
  ServiceConfig s = service("web");
  Result<ContainerRecord> record = make_record(stack_of({s}), s, replica(s, 1), empty);
  REQUIRE_FALSE(record);
  CHECK(record.error().message().find("image-of-web") != std::string::npos);
  CHECK(record.error().hint.find("command:") != std::string::npos);
}

TEST_CASE("variables of the service win over the image's, in place, and may take them away") {
  ContainerConfig config;
  config.environment = {{"LANG", "de"}, {"KEPT", std::nullopt}, {"NEW", "x=y"}, {"EMPTY", ""}, {"NEVER", std::nullopt}};
  CHECK(merged(config).env == Words{"PATH=/bin", "LANG=de", "NEW=x=y", "EMPTY="});
}

TEST_CASE("there is always a PATH, and a terminal has a TERM unless the service says otherwise") {
  images::Image bare = image();
  bare.config.env = {"PATHS=1"};
  ContainerConfig config;
  config.tty = true;
  CHECK(merged(config, bare).env ==
        Words{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "PATHS=1", "TERM=xterm"});
  config.environment = {{"TERM", "dumb"}, {"PATH", "/x"}};
  CHECK(merged(config, bare).env == Words{"PATH=/x", "PATHS=1", "TERM=dumb"});
}

TEST_CASE("user, directory, signal and patience of the service win over the image's") {
  images::Image from = image();
  from.config.user = "postgres";
  from.config.working_dir = "/srv";
  from.config.stop_signal = "SIGINT";
  ContainerRecord r = merged({}, from);
  CHECK(r.user == "postgres");
  CHECK(r.working_dir == "/srv");
  CHECK(r.stop_signal == "SIGINT");
  ContainerConfig config;
  config.user = "0", config.working_dir = "/w", config.stop_signal = "SIGQUIT", config.stop_grace_ns = 0;
  r = merged(config, from);
  CHECK(r.user == "0");
  CHECK(r.working_dir == "/w");
  CHECK(r.stop_signal == "SIGQUIT");
  CHECK(r.stop_grace_ns == 0);
}

TEST_CASE("health checks merge key by key") {
  images::Image from = image();
  from.config.healthcheck = images::ImageHealthcheck{{"CMD", "probe"}, 5s, 4s, 3s, 2s, 9};
  ContainerRecord r = merged({}, from);
  REQUIRE(r.health);
  CHECK(r.health->test == Words{"CMD", "probe"});
  CHECK(r.health->interval == 5'000'000'000);
  CHECK(r.health->retries == 9);

  ContainerConfig config;
  config.health = HealthConfig();
  config.health->interval = 1;
  r = merged(config, from);
  REQUIRE(r.health);
  CHECK(r.health->test == Words{"CMD", "probe"});
  CHECK(r.health->interval == 1);
  CHECK(r.health->timeout == 4'000'000'000);
  CHECK(r.health->start_period == 3'000'000'000);
  CHECK(r.health->start_interval == 2'000'000'000);

  config.health->test = {"CMD-SHELL", "true"};
  CHECK(merged(config, from).health->test == Words{"CMD-SHELL", "true"});
  // What the image does not say is not made up here.
  from.config.healthcheck = images::ImageHealthcheck{{"CMD", "probe"}, {}, {}, {}, {}, 0};
  r = merged({}, from);
  REQUIRE(r.health);
  CHECK(r.health->interval == std::nullopt);
  CHECK(r.health->retries == std::nullopt);
}

TEST_CASE("NONE means no probe, whoever says it") {
  images::Image from = image();
  from.config.healthcheck = images::ImageHealthcheck{{"NONE"}, {}, {}, {}, {}, 0};
  CHECK_FALSE(merged({}, from).health);
  from.config.healthcheck->test = {"CMD", "probe"};
  REQUIRE(merged({}, from).health);
  ContainerConfig config;
  config.health = HealthConfig();
  config.health->test = {"NONE"};
  CHECK_FALSE(merged(config, from).health);
  // Times without a test probe nothing.
  config.health->test.clear();
  config.health->interval = 1;
  CHECK_FALSE(merged(config).health);
}

TEST_CASE("an image cannot ask for berth's own kinds of probes") {
  images::Image from = image();
  from.config.healthcheck = images::ImageHealthcheck{{"HTTP", "somewhere", "80", "/"}, {}, {}, {}, {}, 0};
  CHECK_FALSE(merged({}, from).health);
}

TEST_CASE("the image's volumes become anonymous ones unless something is mounted there") {
  images::Image from = image();
  from.config.volumes = {"/cache", "/data"};
  ContainerConfig config;
  MountConfig bind, anonymous;
  bind.type = "bind", bind.source = "/host", bind.target = "/data";
  anonymous.type = "volume", anonymous.target = "/own";
  config.mounts = {bind, anonymous};
  ContainerRecord r = merged(config, from);
  REQUIRE(r.mounts.size() == 3);
  CHECK(r.mounts[0].source == "/host");
  CHECK(r.mounts[1].target == "/own");
  CHECK(r.mounts[2].target == "/cache");
  CHECK(r.mounts[2].type == "volume");
  CHECK(r.anonymous_volumes == Words{r.mounts[1].source, r.mounts[2].source});
  CHECK(r.mounts[1].source.size() == 64);
  CHECK(r.mounts[1].source != r.mounts[2].source);
  CHECK(r.config.mounts[1].source.empty());
}

TEST_CASE("labels say what the container is, and an image cannot say it instead") {
  images::Image from = image();
  from.config.labels = {{"maintainer", "me"},
                        {"shared", "image"},
                        {"com.docker.compose.project", "evil"},
                        {"com.docker.compose.forged", "1"},
                        {"berth.forged", "1"}};
  ServiceConfig s = depending(depending(service("web"), "db", "service_healthy"), "cache");
  s.depends_on[1].restart = true;
  s.container.labels = {{"shared", "service"}, {"own", "1"}};
  Stack stack = stack_of({s});
  stack.working_dir = "/work";
  stack.config_files = {"/src/a.yaml", "/src/b.yaml"};
  ContainerRecord r = make_record(stack, s, replica(s, 2), from).value();
  CHECK(r.labels.at("maintainer") == "me");
  CHECK(r.labels.at("shared") == "service");
  CHECK(r.labels.at("own") == "1");
  CHECK_FALSE(r.labels.contains("com.docker.compose.forged"));
  CHECK_FALSE(r.labels.contains("berth.forged"));
  CHECK(r.labels.at("com.docker.compose.project") == "shop");
  CHECK(r.labels.at("com.docker.compose.service") == "web");
  CHECK(r.labels.at("com.docker.compose.container-number") == "2");
  CHECK(r.labels.at("com.docker.compose.oneoff") == "False");
  CHECK(r.labels.at("com.docker.compose.config-hash") == config_hash(s));
  CHECK(r.labels.at("com.docker.compose.depends_on") == "db:service_healthy:false,cache:service_started:true");
  CHECK(r.labels.at("com.docker.compose.project.working_dir") == "/work");
  CHECK(r.labels.at("com.docker.compose.project.config_files") == "/src/a.yaml,/src/b.yaml");
  CHECK_FALSE(r.labels.contains("com.docker.compose.project.environment_file"));
}

TEST_CASE("every record is a container of its own") {
  ContainerRecord a = merged({}), b = merged({});
  CHECK(a.name == "shop-web-2");
  CHECK(a.id.size() == 64);
  CHECK(a.id != b.id);
  CHECK(a.config_hash == b.config_hash);
  CHECK(a.number == 2);
}

TEST_CASE("what is taken from others is recorded by their ids") {
  ContainerRecord db = merged({});
  db.config.hostname = "of-db";
  MountConfig data, cache, scratch;
  data.type = cache.type = "volume";
  data.source = "shop_data", data.target = "/data";
  cache.source = "0123", cache.target = "/cache";
  scratch.type = "tmpfs", scratch.target = "/scratch";
  db.mounts = {data, cache, scratch};
  db.anonymous_volumes = {"0123"};
  ServiceConfig web = service("web");
  web.container.network_mode = web.container.ipc_mode = "service:db";
  web.container.volumes_from = {{"service:db", true}};
  MountConfig own;
  own.type = "bind", own.source = "/s", own.target = "/data";
  web.container.mounts = {own};
  ContainerRecord r = make_record(stack_of({web}), web, replica(web, 1), image(), {{"service:db", &db}}).value();
  CHECK(r.config.network_mode == "container:" + db.id);
  CHECK(r.config.ipc_mode == "container:" + db.id);
  CHECK(r.config.volumes_from.at(0).from == "container:" + db.id);
  CHECK(r.config.hostname == "of-db");
  CHECK(r.config_hash == config_hash(web));
  REQUIRE(r.mounts.size() == 2);
  CHECK(r.mounts[0].type == "bind");
  CHECK(r.mounts[1].target == "/cache");
  CHECK(r.mounts[1].read_only);
  CHECK(r.mounts[1].lent);
  CHECK(r.anonymous_volumes == Words{"0123"});
}
