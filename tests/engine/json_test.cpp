#include "engine/json.h"

#include <catch2/catch.hpp>

#include "engine/request.h"

using namespace berth;
using namespace berth::engine;

namespace {

/// Every field of everything that a container is made from, none with its default.
ContainerConfig full_config() {
  ContainerConfig c;
  c.image = "postgres:15";
  c.command = std::vector<std::string>{"run", "--it"};
  c.entrypoint = std::vector<std::string>{};
  c.environment = {{"A", "1"}, {"B", std::nullopt}, {"A", "2"}};
  c.user = "u", c.working_dir = "/w", c.hostname = "h", c.domainname = "d";
  c.group_add = {"g"};
  c.tty = c.stdin_open = c.init = c.privileged = c.read_only = true;
  c.network_mode = "host";
  AttachmentConfig attachment;
  attachment.network = "net", attachment.aliases = {"alias"}, attachment.link_local_ips = {"169.254.8.8"};
  attachment.ipv4_address = "10.0.0.9", attachment.ipv6_address = "fd00::9",
  attachment.mac_address = "02:00:00:00:00:01";
  attachment.interface_name = "front0", attachment.priority = 7, attachment.gw_priority = 8;
  attachment.options = {{"com.docker.network.endpoint.sysctls", "x"}}, attachment.links = {{"db", "service:db"}};
  c.attachments = {attachment};
  c.ports = {{"127.0.0.1", 8080, 8090, 80, "udp", "f:1:2"}};
  c.expose = {"1"};
  MountConfig mount;
  mount.type = "bind", mount.source = "/s", mount.target = "/t";
  mount.read_only = true, mount.create_host_path = false, mount.recursive = false;
  mount.propagation = "rslave", mount.no_copy = true, mount.subpath = "p";
  mount.tmpfs_size = 4096, mount.tmpfs_mode = 01777, mount.tmpfs_options = "noexec", mount.place = "f:3:4";
  c.mounts = {mount};
  FileMount bound, inline_file;
  bound.source_path = "/f", bound.target = "/run/secrets/f", bound.uid = 1, bound.gid = 2, bound.mode = 0400;
  inline_file.content = "", inline_file.target = "/c";
  c.files = {bound, inline_file};
  c.extra_hosts = {"a=1"};
  c.dns = {"1.1.1.1"}, c.dns_search = {"s"}, c.dns_options = {"ndots:1"};
  c.cap_add = {"NET_ADMIN"}, c.cap_drop = {"ALL"}, c.security_opt = {"seccomp=unconfined"};
  c.ulimits = {{"nofile", 1, -1}};
  c.devices = {{"/dev/a", "/dev/b", "r"}};
  c.device_cgroup_rules = {"c 1:3 r"};
  c.sysctls = {{"net.x", "1"}};
  c.pid_mode = c.ipc_mode = c.uts_mode = c.cgroup_mode = c.userns_mode = "host";
  c.shm_size = 1 << 20;
  c.oom_score_adj = -5;
  ResourceConfig& r = c.resources;
  r.memory = 1, r.memory_swap = -1, r.memory_reservation = 3, r.memory_swappiness = 0, r.oom_kill_disable = true;
  r.nano_cpus = 4, r.cpu_quota = 5, r.cpu_period = 6, r.cpu_shares = 7, r.cpu_rt_runtime = 8, r.cpu_rt_period = 9;
  r.cpuset = "0-1", r.pids = -1, r.parent = "p";
  r.blkio = {300, {{"/dev/a", 1}}, {{"/dev/b", 2}}, {{"/dev/c", 3}}, {{"/dev/d", 4}}, {{"/dev/e", 5}}};
  c.volumes_from = {{"service:db", true}};
  c.stop_signal = "SIGINT", c.stop_grace_ns = 0;
  HealthConfig health;
  health.test = {"CMD", "true"}, health.interval = 1, health.retries = 4;
  health.strict = health.restart_unhealthy = true;
  c.health = health;
  c.restart = {"on-failure", 3, 4, 5};
  c.pre_start = {{"i", {"m"}, {}, "", "", false}};
  c.post_start = {{"", {"a", "b"}, {"N=1"}, "u", "/w", true}}, c.pre_stop = {{"", {"c"}}};
  c.log = {"json-file", {{"max-size", "1m"}}};
  c.labels = {{"l", "v"}}, c.annotations = {{"a", "v"}};
  return c;
}

Stack full_stack() {
  Stack stack;
  stack.project = "p", stack.separator = "_", stack.working_dir = "/w", stack.config_files = {"/w/c.yaml"},
  stack.environment_files = {"/w/.env"};
  ServiceConfig service;
  service.name = "s", service.container_name = "c", service.replicas = 0, service.attach = false;
  service.container = full_config();
  service.depends_on = {{"db", "service_healthy", false, true, "f:5:6"}};
  service.update = RolloutConfig{2, 3, 4, "continue", 0.5, true};
  service.rollback = {5, 6, 7, "rollback", 0.25, true};
  service.place = "f:1:1", service.image_place = "f:2:2", service.image_id = "sha256:1";
  stack.services = {service};
  NetworkConfig network;
  network.key = "k", network.name = "n",
  network.external = network.internal = network.enable_ipv6 = network.attachable = true, network.enable_ipv4 = false;
  network.driver = "d", network.options = {{"o", "1"}}, network.labels = {{"l", "2"}};
  network.ipam = {{"10.0.0.0/24", "10.0.0.1", "10.0.0.128/25", {{"x", "10.0.0.7"}}, "compose.yaml:3:4"}};
  network.place = "f:7:8";
  stack.networks = {network};
  VolumeConfig volume;
  volume.key = "v", volume.name = "p_v", volume.external = true, volume.driver = "x", volume.options = {{"o", "1"}};
  volume.labels = {{"l", "3"}}, volume.place = "f:9:9";
  stack.volumes = {volume};
  return stack;
}

template <class T>
void check_round_trip(const T& value) {
  std::string text = to_text(Json(value));
  Result<T> back = from_json_text<T>(text, "test");
  REQUIRE(back);
  CHECK(to_text(Json(*back)) == text);
  // Two values that print alike say nothing if fields are left out: no default may look like the value.
  CHECK(to_text(Json(T())) != text);
}

/// Names of fields, at any depth of objects, that are the same in both.
void same_fields(const Json& a, const Json& b, const std::string& path, std::vector<std::string>& same) {
  for (const auto& [key, value] : a.items()) {
    if (value.is_object() && b.contains(key) && b[key].is_object() && !value.empty() && !b[key].empty()) {
      same_fields(value, b[key], path + "." + key, same);
    } else if (b.contains(key) && b[key] == value) {
      same.push_back(path + "." + key);
    }
  }
}

}  // namespace

TEST_CASE("a configuration with every field set comes back from JSON as it was") {
  check_round_trip(full_config());
  // The test is worth something only while every field differs from its default.
  std::vector<std::string> same;
  same_fields(Json(full_config()), Json(ContainerConfig()), "", same);
  CHECK(same == std::vector<std::string>{});

  ContainerConfig back = Json(full_config()).get<ContainerConfig>();
  CHECK(back.environment == full_config().environment);
  CHECK(back.entrypoint == std::vector<std::string>{});
  REQUIRE(back.files.size() == 2);
  CHECK(back.files[0].content == std::nullopt);
  CHECK(back.files[1].content == "");
  CHECK(back.mounts.at(0).tmpfs_mode == 01777u);
  CHECK(back.stop_grace_ns == 0);
  CHECK(back.resources.cpuset == "0-1");
  CHECK(back.ulimits.at(0).hard == -1);
  CHECK(back.ports.at(0).host_port_end == 8090);
}

TEST_CASE("a stack comes back from JSON as it was") {
  check_round_trip(full_stack());
  Stack back = Json(full_stack()).get<Stack>();
  CHECK(back.services.at(0).depends_on.at(0).restart);
  CHECK(back.networks.at(0).ipam.at(0).ip_range == "10.0.0.128/25");
  CHECK(back.volumes.at(0).external);
  std::vector<std::string> same;
  same_fields(Json(full_stack().services[0]), Json(ServiceConfig()), "service", same);
  same_fields(Json(full_stack())["networks"][0], Json{{"driver", "bridge"}, {"external", false}}, "network", same);
  CHECK(same == std::vector<std::string>{});
}

TEST_CASE("records come back from JSON as they were") {
  ContainerRecord r;
  r.id = "1", r.name = "n", r.project = "p", r.service = "s", r.number = 4, r.one_off = r.auto_remove = true,
  r.created_ns = 5;
  r.pre_start = 2;
  r.image_id = "i", r.config_hash = "h", r.config = full_config(), r.args = {"a"}, r.env = {"E=1"}, r.user = "u";
  r.working_dir = "/", r.stop_signal = "SIGINT", r.stop_grace_ns = 6, r.health = full_config().health;
  r.mounts = full_config().mounts, r.layers = {"/l"}, r.anonymous_volumes = {"v"}, r.expose = {"80/tcp"},
  r.labels = {{"l", "1"}};
  check_round_trip(r);
  std::vector<std::string> same;
  same_fields(Json(r), Json(ContainerRecord()), "", same);
  CHECK(same == std::vector<std::string>{});

  LiveState live;
  live.boot_id = "b", live.status = engine::Status::paused, live.process = {7, 8}, live.started_ns = 9;
  live.finished_ns = 10, live.exit_code = 137, live.oom_killed = true, live.error = "e", live.health = "healthy";
  live.failing_streak = 2, live.probes = {{1, 2, 3, "out"}}, live.restart_count = 11, live.restarts = {1, 2},
  live.stopped_by_user = true;
  live.endpoints = {{"n", "eth0", "bv1", "10.0.0.2", "fd00::2", "02:00:00:00:00:01", true}};
  live.ports = {{"::1", 8080, 80, "udp"}}, live.attached = true;
  check_round_trip(live);
  same_fields(Json(live), Json(LiveState()), "", same);
  CHECK(same == std::vector<std::string>{});

  NetworkRecord network;
  network.id = "1", network.bridge = "br", network.project = "p", network.created_ns = 2;
  network.config = full_stack().networks[0], network.ipam = network.config.ipam;
  check_round_trip(network);
}

TEST_CASE("every status has a name of its own in JSON") {
  std::set<std::string> names;
  for (int i = 0; i <= static_cast<int>(engine::Status::dead); ++i) {
    LiveState live;
    live.status = static_cast<engine::Status>(i);
    Json json = live;
    CHECK(json["status"] == status_name(live.status));
    CHECK(json.get<LiveState>().status == live.status);
    names.insert(json["status"]);
  }
  CHECK(names.size() == 7);
}

TEST_CASE("requests say what they are and come back as they were") {
  UpRequest up;
  up.stack = full_stack();
  up.options.force_recreate = up.options.no_recreate = up.options.no_start = up.options.remove_orphans = true;
  up.options.ignore_orphans = up.options.wait = true;
  up.options.wait_timeout_ns = 1, up.options.stop_timeout_ns = 0, up.options.other_services = {"x"};
  up.options.disabled = {{"d", "p"}};
  up.options.always_recreate_deps = up.options.renew_anonymous_volumes = true;
  up.options.named = {"n"}, up.options.recreate_volumes = {"v"};
  up.options.one_off = {"s", "n", true};
  check_round_trip(up);
  CHECK(to_message(up)["op"] == "up");
  std::vector<std::string> same;
  same_fields(Json(up)["options"], Json(UpRequest())["options"], "up", same);
  CHECK(same == std::vector<std::string>{});

  RunRequest run{up.stack, up.options, false};
  check_round_trip(run);
  CHECK(to_message(run)["op"] == "run");
  same_fields(Json(run), Json(RunRequest()), "run", same);
  CHECK(same == std::vector<std::string>{});

  Selection selection{"p", {"a", "b"}, true};
  DownRequest down{selection, {true, true, 3, std::set<std::string>{}, {{"s", "p"}}, {"v"}}};
  check_round_trip(down);
  CHECK(to_message(down)["op"] == "down");
  CHECK(Json(down).get<DownRequest>().options.services == std::set<std::string>{});
  CHECK(Json(DownRequest()).get<DownRequest>().options.services == std::nullopt);

  check_round_trip(StopRequest{selection, 4});
  check_round_trip(StartRequest{selection});
  check_round_trip(RestartRequest{selection, 5});
  check_round_trip(KillRequest{selection, 15});
  check_round_trip(RemoveRequest{selection, {true, true, 0}});
  check_round_trip(RenameRequest{selection, "n"});
  CHECK(to_message(StopRequest())["op"] == "stop");
  CHECK(to_message(StartRequest())["op"] == "start");
  CHECK(to_message(RestartRequest())["op"] == "restart");
  CHECK(to_message(KillRequest())["op"] == "kill");
  CHECK(to_message(RemoveRequest())["op"] == "rm");
}

TEST_CASE("fields that are missing have their defaults, unknown ones are passed over") {
  Result<ServiceConfig> service = from_json_text<ServiceConfig>(R"({"name": "web", "from the future": [1]})", "test");
  REQUIRE(service);
  CHECK(service->name == "web");
  CHECK(service->replicas == 1);
  CHECK(service->attach);
  CHECK(service->container.restart.policy == "no");
  Result<ContainerConfig> config =
      from_json_text<ContainerConfig>(R"({"mounts": [{"type": "bind"}], "ports": [{}]})", "test");
  REQUIRE(config);
  CHECK(config->mounts.at(0).create_host_path);
  CHECK(config->ports.at(0).protocol == "tcp");
  Result<KillRequest> kill = from_json_text<KillRequest>("{}", "test");
  REQUIRE(kill);
  CHECK(kill->signal == 9);
  REQUIRE(from_json_text<LiveState>("{}", "test"));
}

TEST_CASE("JSON that is none, or of the wrong shape, is an error that names where it came from") {
  for (const char* text :
       {"", "{", "[]", "7", "null", "\"x\"", "{\"name\": 7}", "{\"container\": []}", "{\"replicas\": \"two\"}",
        "{\"depends_on\": {}}", "{\"container\": {\"ports\": [7]}}", "{\"name\": \"\xff\"}"}) {
    INFO(text);
    Result<ServiceConfig> service = from_json_text<ServiceConfig>(text, "the file");
    REQUIRE_FALSE(service);
    CHECK(service.error().message().rfind("the file is not understood: ", 0) == 0);
  }
}

TEST_CASE("bytes that are not UTF-8 do not keep a value from being written") {
  Result<std::string> back = from_json_text<std::string>(to_text(Json("a\xff"
                                                                      "b")),
                                                         "test");
  REQUIRE(back);
  CHECK(*back ==
        "a\xEF\xBF\xBD"
        "b");
}
