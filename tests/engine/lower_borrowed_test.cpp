#include <catch2/catch.hpp>

#include "tests/engine/lowered.h"

using namespace berth;
using namespace berth::engine;
using namespace berth::test;

TEST_CASE("limits of block devices, realtime and what only v1 has are lowered") {
  const ResourceConfig r = web(R"(    mem_swappiness: 0
    oom_kill_disable: true
    cpu_rt_runtime: 400ms
    cpu_rt_period: 1400us
    cgroup_parent: /shop//batch/
    blkio_config:
      weight: 300
      weight_device: [{path: /dev/sda, weight: 400}]
      device_read_bps: [{path: /dev/sdb, rate: '12mb'}]
      device_write_iops: [{path: /dev/sdb, rate: 120}, {path: /dev/sdc, rate: 30}]
)")
                               .container()
                               .resources;
  CHECK(r.memory_swappiness == 0);
  CHECK(r.oom_kill_disable);
  CHECK(r.cpu_rt_runtime == 400'000);
  CHECK(r.cpu_rt_period == 1'400);
  CHECK(r.parent == "shop/batch");
  CHECK(r.blkio.weight == 300);
  CHECK(r.blkio.weight_device.at(0).value == 400);
  CHECK(r.blkio.read_bps.at(0).device == "/dev/sdb");
  CHECK(r.blkio.read_bps.at(0).value == 12 << 20);
  CHECK(r.blkio.write_iops.at(1).value == 30);
  CHECK(r.blkio.write_bps.empty());
}

TEST_CASE("what is taken from others is lowered by kind") {
  Lowered result = web(R"(    volumes_from: [db:ro, 'container:old', 'container:older:ro']
    network_mode: service:db
    pid: container:watched
    volumes:
      - {type: image, source: db, target: /a, image: {subpath: sub}}
      - {type: image, source: 'y:2', target: /b}
  db: {image: y}
)");
  const ContainerConfig& c = result.container(1);
  REQUIRE(c.volumes_from.size() == 3);
  CHECK(c.volumes_from[0].from == "service:db");
  CHECK(c.volumes_from[0].read_only);
  CHECK(c.volumes_from[1].from == "container:old");
  CHECK_FALSE(c.volumes_from[1].read_only);
  CHECK(c.volumes_from[2].read_only);
  CHECK(c.network_mode == "service:db");
  CHECK(c.pid_mode == "container:watched");
  CHECK(c.attachments.empty());
  CHECK(c.mounts[0].source == "y");
  CHECK(c.mounts[0].subpath == "sub");
  CHECK(c.mounts[1].source == "y:2");
}

TEST_CASE("the owner of a network decides what is published, named and resolved") {
  for (const char* line : {"ports: ['80:80']", "expose: ['80']", "hostname: h", "dns: [9.9.9.9]",
                           "extra_hosts: ['a=10.0.0.1']", "mac_address: '02:00:00:00:00:07'"}) {
    INFO(line);
    std::string error =
        error_of(lowered(std::string("services:\n  web:\n    image: x\n    network_mode: service:db\n") + "    " +
                         line + "\n  db: {image: y}\n"));
    CHECK(error.find("compose.yaml:5:") != std::string::npos);
    CHECK(error.find("excludes") != std::string::npos);
  }
  std::string error =
      error_of(lowered("services:\n  web: {image: x, ipc: 'service:db'}\n  db: {image: y, ipc: private}\n"));
  CHECK(error.find("not shareable") != std::string::npos);
}
