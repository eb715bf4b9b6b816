#include "engine/lower.h"

#include <catch2/catch.hpp>

#include "engine/json.h"
#include "engine/plan_up.h"
#include "tests/engine/lowered.h"

using namespace berth;
using namespace berth::engine;
using namespace berth::test;

namespace {

std::string hash_of(const std::string& lines, const std::string& rest = "") {
  return config_hash(web(lines, rest).stack.services.at(0));
}

}  // namespace

TEST_CASE("a project is lowered with its names, files and default network") {
  Lowered result =
      web("    depends_on: {db: {condition: service_healthy}}\n  db: {image: y}\n", "volumes: {unused: }\n");
  const Stack& stack = result.stack;
  CHECK(stack.project == "shop");
  CHECK(stack.working_dir == "/src/shop");
  CHECK(stack.config_files == Words{"/src/shop/compose.yaml"});
  REQUIRE(stack.services.size() == 2);
  CHECK(stack.services[0].name == "db");
  CHECK(stack.services[1].name == "web");
  REQUIRE(stack.services[1].depends_on.size() == 1);
  CHECK(stack.services[1].depends_on[0].service == "db");
  CHECK(stack.services[1].depends_on[0].condition == "service_healthy");
  CHECK(stack.services[1].image_place.find("compose.yaml:3:") != std::string::npos);
  REQUIRE(stack.networks.size() == 1);
  CHECK(stack.networks[0].name == "shop_default");
  CHECK(stack.volumes.empty());
  REQUIRE(stack.services[1].container.attachments.size() == 1);
  CHECK(stack.services[1].container.attachments[0].network == "shop_default");
  CHECK(stack.services[1].container.attachments[0].aliases == Words{"web"});
}

TEST_CASE("ports are lowered with their ranges, addresses and protocols") {
  Lowered result = web("    ports: ['8080:80', '127.0.0.1:9000-9001:90-91', '53:53/udp', '3000', '7000-7009:70']\n");
  const std::vector<PortConfig>& ports = result.container().ports;
  REQUIRE(ports.size() == 6);
  CHECK(ports[0].host_port == 8080);
  CHECK(ports[0].host_port_end == 8080);
  CHECK(ports[0].container_port == 80);
  CHECK(ports[0].host_ip.empty());
  CHECK(ports[0].place.find("compose.yaml:4:") != std::string::npos);
  CHECK(ports[1].host_ip == "127.0.0.1");
  CHECK(ports[1].host_port == 9000);
  CHECK(ports[2].host_port == 9001);
  CHECK(ports[2].container_port == 91);
  CHECK(ports[3].protocol == "udp");
  CHECK(ports[4].host_port == 0);
  CHECK(ports[4].host_port_end == 0);
  CHECK(ports[4].container_port == 3000);
  CHECK(ports[5].host_port == 7000);
  CHECK(ports[5].host_port_end == 7009);
}

TEST_CASE("mounts are lowered by their kind") {
  Lowered result = web(R"(    tmpfs: ['/tmp', '/run:size=1m,noexec']
    volumes:
      - data:/data
      - ./conf:/conf:ro
      - /anonymous
      - {type: bind, source: /s, target: /t, bind: {create_host_path: false, propagation: rslave, recursive: disabled}}
      - {type: volume, source: data, target: /sub, volume: {nocopy: true, subpath: a/b}}
      - {type: tmpfs, target: /shm, tmpfs: {size: 64m, mode: 0700}}
)",
                       "volumes: {data: }\n");
  std::map<std::string, MountConfig> at;
  for (const MountConfig& mount : result.container().mounts) at[mount.target] = mount;
  REQUIRE(at.size() == 8);
  CHECK(at["/data"].type == "volume");
  CHECK(at["/data"].source == "shop_data");
  CHECK(at["/conf"].type == "bind");
  CHECK(at["/conf"].source == "/src/shop/conf");
  CHECK(at["/conf"].read_only);
  CHECK(at["/conf"].create_host_path);
  CHECK(at["/anonymous"].type == "volume");
  CHECK(at["/anonymous"].source.empty());
  CHECK_FALSE(at["/t"].create_host_path);
  CHECK_FALSE(at["/t"].recursive);
  CHECK(at["/t"].propagation == "rslave");
  CHECK(at["/sub"].no_copy);
  CHECK(at["/sub"].subpath == "a/b");
  CHECK(at["/shm"].tmpfs_size == 64 << 20);
  CHECK(at["/shm"].tmpfs_mode == 0700u);
  CHECK(at["/tmp"].type == "tmpfs");
  CHECK(at["/tmp"].tmpfs_options.empty());
  CHECK(at["/run"].tmpfs_options == "size=1m,noexec");
  REQUIRE(result.stack.volumes.size() == 1);
  CHECK(result.stack.volumes[0].name == "shop_data");
}

TEST_CASE("a variable without a value is taken away, unless our own environment has it") {
  Lowered result = lowered("services: {web: {image: x, environment: [A=1, GONE, FROM_HOST]}}\n", {{"FROM_HOST", "h"}});
  std::map<std::string, std::optional<std::string>> variables;
  for (const auto& [name, value] : result.container().environment) variables[name] = value;
  CHECK(variables.at("A") == "1");
  CHECK(variables.at("FROM_HOST") == "h");
  CHECK(variables.at("GONE") == std::nullopt);
}

TEST_CASE("limits of deploy are the plain ones by another name, and either may say what the other does not") {
  Lowered result = web(R"(    mem_limit: 100m
    pids_limit: 10
    cpuset: 0-1
    deploy: {replicas: 3, resources: {limits: {memory: 100m, cpus: '0.5'}, reservations: {memory: 20m}}}
)");
  const ResourceConfig& r = result.container().resources;
  CHECK(r.memory == 100 << 20);
  CHECK(r.memory_reservation == 20 << 20);
  CHECK(r.nano_cpus == 500'000'000);
  CHECK(r.pids == 10);
  CHECK(r.cpuset == "0-1");
  CHECK(result.stack.services.at(0).replicas == 3);
  CHECK(web("    deploy: {resources: {limits: {pids: 7}}}\n").container().resources.pids == 7);
}

TEST_CASE("plain limits count where deploy has none") {
  const ResourceConfig r =
      web("    mem_limit: 100m\n    memswap_limit: -1\n    cpus: 1.5\n    pids_limit: -1\n").container().resources;
  CHECK(r.memory == 100 << 20);
  CHECK(r.memory_swap == -1);
  CHECK(r.nano_cpus == 1'500'000'000);
  CHECK(r.pids == -1);
}

TEST_CASE("restart policies are lowered, and that of deploy wins") {
  CHECK(web("").container().restart.policy == "no");
  CHECK(web("    restart: always\n").container().restart.policy == "always");
  CHECK(web("    restart: unless-stopped\n").container().restart.policy == "unless-stopped");
  RestartConfig limited = web("    restart: on-failure:4\n").container().restart;
  CHECK(limited.policy == "on-failure");
  CHECK(limited.max_attempts == 4);
  auto deploy = [](const std::string& policy) {
    return web("    restart: always\n    deploy: {restart_policy: {" + policy + "}}\n").container().restart;
  };
  CHECK(deploy("condition: none").policy == "no");
  CHECK(deploy("condition: any").policy == "always");
  CHECK(deploy("condition: on-failure, max_attempts: 2").policy == "on-failure");
  CHECK(deploy("condition: on-failure, max_attempts: 2").max_attempts == 2);
  CHECK(deploy("delay: 1s, window: 2s").delay_ns == 1'000'000'000);
  CHECK(deploy("delay: 1s, window: 2s").window_ns == 2'000'000'000);
  CHECK(deploy("condition: any").delay_ns == std::nullopt);
}

TEST_CASE("probes of berth are lowered, and how it probes") {
  auto health = [](const std::string& text) { return web(text).container().health.value(); };
  CHECK(health("    healthcheck: {x-berth-probe: {http: 8080}}\n").test == Words{"HTTP", "localhost", "8080", "/"});
  CHECK(health("    healthcheck: {x-berth-probe: {http: 'http://[::1]/a?b'}}\n").test ==
        Words{"HTTP", "::1", "80", "/a?b"});
  CHECK(health("    healthcheck: {x-berth-probe: {tcp: '127.0.0.1:5432'}}\n").test ==
        Words{"TCP", "127.0.0.1", "5432", ""});
  CHECK(health("    healthcheck: {x-berth-probe: {grpc: 9000/shop.Cart}}\n").test ==
        Words{"GRPC", "localhost", "9000", "shop.Cart"});
  CHECK_FALSE(health("    healthcheck: {test: 'true'}\n").strict);
  CHECK(health("    x-berth-probing: strict\n").strict);  // of the image's check
  CHECK(health("    healthcheck: {test: 'true', x-berth-restart-unhealthy: true}\n").restart_unhealthy);
}

TEST_CASE("hooks are lowered") {
  ContainerConfig c =
      web("    post_start: [{command: echo hi, user: u, working_dir: /w, environment: {A: 1, B: null}}]\n"
          "    pre_stop: [{command: [a, b c], privileged: true}]\n")
          .container();
  REQUIRE(c.post_start.size() == 1);
  CHECK(c.post_start[0].command == Words{"echo", "hi"});
  CHECK(c.post_start[0].environment == Words{"A=1"});
  CHECK(c.post_start[0].user == "u");
  CHECK(c.post_start[0].working_dir == "/w");
  CHECK_FALSE(c.post_start[0].privileged);
  REQUIRE(c.pre_stop.size() == 1);
  CHECK(c.pre_stop[0].command == Words{"a", "b c"});
  CHECK(c.pre_stop[0].privileged);
}

TEST_CASE("a health check is lowered, and disabling it is NONE") {
  ContainerConfig c =
      web("    healthcheck: {test: pg_isready, interval: 2s, retries: 5, start_period: 1m}\n").container();
  REQUIRE(c.health);
  CHECK(c.health->test == Words{"CMD-SHELL", "pg_isready"});
  CHECK(c.health->interval == 2'000'000'000);
  CHECK(c.health->start_period == 60'000'000'000);
  CHECK(c.health->retries == 5);
  CHECK(c.health->timeout == std::nullopt);
  CHECK(web("    healthcheck: {disable: true}\n").container().health->test == Words{"NONE"});
  CHECK_FALSE(web("").container().health);
}

TEST_CASE("secrets and configs become files") {
  Lowered result = lowered(R"(services:
  web:
    image: x
    secrets: [token, {source: pass, target: /etc/pass, uid: '5', gid: '6', mode: 0400}]
    configs: [{source: inline}]
secrets: {token: {file: ./token}, pass: {environment: PASS}}
configs: {inline: {content: hello}}
)",
                           {{"PASS", "s3cret"}});
  INFO(result.diagnostics.render());
  CHECK_FALSE(result.diagnostics.has_errors());
  std::map<std::string, FileMount> at;
  for (const FileMount& file : result.container().files) at[file.target] = file;
  REQUIRE(at.size() == 3);
  CHECK(at["/run/secrets/token"].source_path == "/src/shop/token");
  CHECK(at["/run/secrets/token"].content == std::nullopt);
  CHECK(at["/run/secrets/token"].mode == 0444);
  CHECK(at["/etc/pass"].content == "s3cret");
  CHECK(at["/etc/pass"].uid == 5);
  CHECK(at["/etc/pass"].gid == 6);
  CHECK(at["/etc/pass"].mode == 0400);
  CHECK(at["/inline"].content == "hello");
}

TEST_CASE("a service's mac_address is that of its main network") {
  constexpr const char* kNetworks = "networks: {back: , front: }\n";
  auto of = [&](const std::string& networks) {
    return web("    mac_address: '02:00:00:00:00:07'\n    networks: " + networks + "\n", kNetworks);
  };
  CHECK(of("[back, front]").container().attachments.at(0).mac_address == "02:00:00:00:00:07");
  CHECK(of("[back, front]").container().attachments.at(1).mac_address.empty());
  CHECK(of("{back: , front: {priority: 1}}").container().attachments.at(1).mac_address == "02:00:00:00:00:07");
  std::string error = error_of(lowered(R"(services:
  web: {image: x, mac_address: '02:00:00:00:00:07', networks: {default: {mac_address: '02:00:00:00:00:08'}}}
)"));
  CHECK(error.find("02:00:00:00:00:08 on its main network") != std::string::npos);
}

TEST_CASE("a secret from a variable that is not set is an error at the service that wants it") {
  Lowered result = lowered(R"(services:
  web:
    image: x
    secrets: [pass]
secrets: {pass: {environment: PASS}}
)");
  std::string error = error_of(result);
  CHECK(error.find("compose.yaml:4:") != std::string::npos);
  CHECK(error.find("\"PASS\" required by \"pass\" is not set") != std::string::npos);
}

TEST_CASE("the image of what is built has the project's and the service's name, unless it has its own") {
  CHECK(lowered("services:\n  web:\n    build: .\n").stack.services.at(0).container.image == "shop-web");
  CHECK(lowered("services:\n  web:\n    build: .\n    image: x\n").stack.services.at(0).container.image == "x");
}

TEST_CASE("what the runtime cannot do is an error at its place") {
  std::string error =
      error_of(lowered("services:\n  web:\n    image: x\n    networks: {default: {mac_address: 02-07}}\n"));
  CHECK(error.find("compose.yaml:4:") != std::string::npos);
  CHECK(error.find("\"02-07\" is not a MAC address") != std::string::npos);

  error = error_of(
      lowered("services:\n  web:\n    image: x\n    volumes: ['d:/d']\nvolumes:\n  d: {driver_opts: {o: bind}}\n"));
  CHECK(error.find("compose.yaml:6:") != std::string::npos);
  CHECK(error.find("\"type\"") != std::string::npos);

  error = error_of(
      lowered("services:\n  web:\n    image: x\n    volumes:\n      - {type: npipe, source: y, target: /t}\n"));
  CHECK(error.find("compose.yaml:5:") != std::string::npos);
  CHECK(error.find("type \"npipe\"") != std::string::npos);

  error = error_of(lowered("services:\n  web:\n    image: x\n    cgroup_parent: a/../b\n"));
  CHECK(error.find("compose.yaml:4:") != std::string::npos);
  CHECK(error.find("leads upwards") != std::string::npos);

  error = error_of(lowered("services:\n  web:\n    image: x\n    security_opt: ['no-such=thing']\n"));
  CHECK(error.find("compose.yaml:4:") != std::string::npos);
  CHECK(error.find("\"no-such=thing\" is not known") != std::string::npos);
}

TEST_CASE("a network has the families it asks for, each with a subnet of its own") {
  Lowered result =
      web("    networks: {both: {ipv4_address: 10.9.0.5, ipv6_address: 'fd00:9::5'}, six: }\n", R"(networks:
  both:
    enable_ipv6: true
    ipam: {config: [{subnet: 'fd00:9::/64', aux_addresses: {x: 'fd00:9::7'}}, {subnet: 10.9.0.0/24}]}
  six: {enable_ipv4: false, enable_ipv6: true}
)");
  REQUIRE(result.stack.networks.size() == 2);
  CHECK(result.stack.networks[0].ipam.size() == 2);
  CHECK(result.stack.networks[0].ipam[0].place == "compose.yaml:6:3");
  CHECK(result.container().attachments.at(0).ipv6_address == "fd00:9::5");
  CHECK_FALSE(result.stack.networks[1].enable_ipv4);
  CHECK(result.stack.networks[1].enable_ipv6);
}

TEST_CASE("addresses that cannot be are errors at their place") {
  const auto error = [](const std::string& attachment, const std::string& network) {
    return error_of(lowered("services:\n  web:\n    image: x\n    networks: {n: " + attachment +
                            "}\nnetworks:\n  n: " + network + "\n"));
  };
  CHECK(error("", "{enable_ipv4: false}").find("neither IPv4 nor IPv6") != std::string::npos);
  CHECK(error("", "{ipam: {config: [{subnet: 10.0.0.0/24}, {subnet: 10.1.0.0/24}]}}").find("second subnet of IPv4") !=
        std::string::npos);
  CHECK(error("", "{ipam: {config: [{subnet: 10.0.0.0/24, gateway: 10.1.0.1}]}}").find("gateway 10.1.0.1") !=
        std::string::npos);
  CHECK(error("{ipv6_address: 'fd00::5'}", "{}").find("has no IPv6") != std::string::npos);
  CHECK(error("{ipv4_address: 'fd00::5'}", "{}").find("is no IPv4 address") != std::string::npos);
  CHECK(error("{ipv4_address: 10.0.1.5}", "{ipam: {config: [{subnet: 10.0.0.0/24}]}}").find("outside subnet") !=
        std::string::npos);
}

TEST_CASE("networks are lowered with their addresses, and external ones by their own name") {
  Lowered result =
      web("    networks: {front: {ipv4_address: 10.9.0.5, mac_address: '02:00:00:00:00:07', aliases: [www], priority: "
          "3}, outer: }\n",
          R"(networks:
  front: {internal: true, ipam: {config: [{subnet: 10.9.0.0/24, gateway: 10.9.0.254, ip_range: 10.9.0.0/25}]}}
  outer: {external: true, name: shared}
)");
  REQUIRE(result.stack.networks.size() == 2);
  const NetworkConfig& front = result.stack.networks[0];
  CHECK(front.name == "shop_front");
  CHECK(front.internal);
  REQUIRE(front.ipam.size() == 1);
  CHECK(front.ipam[0].subnet == "10.9.0.0/24");
  CHECK(front.ipam[0].gateway == "10.9.0.254");
  CHECK(front.ipam[0].ip_range == "10.9.0.0/25");
  CHECK(result.stack.networks[1].external);
  CHECK(result.stack.networks[1].name == "shared");
  const AttachmentConfig& attachment = result.container().attachments.at(0);
  CHECK(attachment.ipv4_address == "10.9.0.5");
  CHECK(attachment.mac_address == "02:00:00:00:00:07");
  CHECK(attachment.aliases == Words{"www", "web"});
  CHECK(attachment.priority == 3);
}

TEST_CASE("the hash of a service changes with what its containers are made from") {
  std::string plain = hash_of("");
  CHECK(plain.size() == 64);
  CHECK(hash_of("") == plain);
  for (const char* line : {"command: x",
                           "entrypoint: x",
                           "environment: {A: 1}",
                           "user: u",
                           "working_dir: /w",
                           "hostname: h",
                           "ports: ['80:80']",
                           "volumes: ['/s:/t']",
                           "tty: true",
                           "stdin_open: true",
                           "init: true",
                           "privileged: true",
                           "read_only: true",
                           "labels: {a: b}",
                           "restart: always",
                           "mem_limit: 1g",
                           "cpus: 1",
                           "pids_limit: 5",
                           "stop_signal: SIGINT",
                           "stop_grace_period: 3s",
                           "healthcheck: {test: x}",
                           "cap_add: [NET_ADMIN]",
                           "cap_drop: [ALL]",
                           "sysctls: {a.b: 1}",
                           "ulimits: {nofile: 5}",
                           "shm_size: 1m",
                           "extra_hosts: ['a:1.2.3.4']",
                           "dns: 1.1.1.1",
                           "container_name: c",
                           "network_mode: none",
                           "group_add: [g]",
                           "oom_score_adj: 5",
                           "tmpfs: /t",
                           "devices: ['/dev/null']",
                           "expose: ['80']",
                           "security_opt: ['no-new-privileges']",
                           "pid: host",
                           "ipc: host",
                           "annotations: {a: b}"}) {
    INFO(line);
    CHECK(hash_of(std::string("    ") + line + "\n") != plain);
  }
}

TEST_CASE("the hash of a service does not change with what its containers never see") {
  std::string plain = hash_of("", "  zz: {image: y}\n");
  for (const char* line : {"scale: 3", "deploy: {replicas: 2}", "depends_on: [zz]", "attach: false", "profiles: []"}) {
    INFO(line);
    Lowered result = web(std::string("    ") + line + "\n", "  zz: {image: y}\n");
    for (const ServiceConfig& service : result.stack.services) {
      if (service.name == "web") CHECK(config_hash(service) == plain);
    }
  }
  // Nor with the line of the file on which something is said.
  CHECK(hash_of("    ports: ['80:80']\n    volumes: ['/s:/t']\n") ==
        hash_of("\n\n    volumes: ['/s:/t']\n    # moved\n    ports: ['80:80']\n"));
}
