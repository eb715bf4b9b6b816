#include "engine/state.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "base/exit_record.h"
#include "sys/file.h"
#include "tests/support/temp_dir.h"

using namespace berth;
using namespace berth::engine;

namespace {

struct Files {
  test::TempDir dir;
  StateStore store{sys::Paths{dir / "root", dir / "run"}};
};

ContainerRecord record(const std::string& id, const std::string& name) {
  ContainerRecord r;
  r.id = id;
  r.name = name;
  return r;
}

LiveState alive(pid_t pid) {
  LiveState live;
  live.boot_id = sys::boot_id();
  live.status = engine::Status::running;
  Result<sys::ProcessIdentity> process = sys::identify(pid);
  REQUIRE(process);
  live.process = *process;
  live.health = "healthy";
  live.endpoints = {{"net", "eth0", "bv", "10.0.0.2", ""}};
  live.ports = {{"", 8080, 80, "tcp"}};
  return live;
}

void overwrite(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::trunc) << text;
  REQUIRE(sys::read_file(path).value_or("unreadable") == text);
}

}  // namespace

TEST_CASE("what is written of a container is read back") {
  Files files;
  REQUIRE(files.store.write(record("1a", "web")).ok());
  REQUIRE(files.store.write("1a", alive(getpid())).ok());
  Result<Container> container = files.store.read("1a");
  REQUIRE(container);
  CHECK(container->record.name == "web");
  CHECK(container->live.alive());
  CHECK(container->live.health == "healthy");
  CHECK(container->live.process.pid == getpid());
  CHECK(container->live.ports.at(0).host_port == 8080);
}

TEST_CASE("an empty host is an empty snapshot without problems") {
  Files files;
  std::vector<std::string> problems;
  Observed observed = files.store.observe(&problems);
  CHECK(observed.containers.empty());
  CHECK(observed.networks.empty());
  CHECK(observed.volumes.empty());
  CHECK(problems.empty());
}

TEST_CASE("a container that is not there is ENOENT") {
  Files files;
  Result<Container> container = files.store.read("none");
  REQUIRE_FALSE(container);
  CHECK(container.error().code == ENOENT);
}

TEST_CASE("a container without a live state has been created and nothing more") {
  Files files;
  REQUIRE(files.store.write(record("1a", "web")).ok());
  Result<Container> container = files.store.read("1a");
  REQUIRE(container);
  CHECK(container->live.status == engine::Status::created);
  CHECK_FALSE(container->live.ending());
}

TEST_CASE("containers are observed sorted by name, networks and volumes too") {
  Files files;
  for (const char* name : {"c", "a", "b"}) {
    REQUIRE(files.store.write(record(std::string("id-of-") + name, name)).ok());
  }
  NetworkRecord network;
  network.config.name = "shop_default";
  network.ipam = {{.subnet = "10.0.0.0/24"}};
  REQUIRE(files.store.write(network).ok());
  for (const char* name : {"v2", "v1", ".lock"})
    REQUIRE(sys::make_dirs(files.store.paths().volumes() + "/" + name).ok());
  Observed observed = files.store.observe();
  REQUIRE(observed.containers.size() == 3);
  CHECK(observed.containers[0].record.name == "a");
  CHECK(observed.containers[2].record.name == "c");
  REQUIRE(observed.network("shop_default") != nullptr);
  CHECK(observed.network("shop_default")->ipam.front().subnet == "10.0.0.0/24");
  CHECK(observed.network("other") == nullptr);
  CHECK(observed.volumes == std::vector<std::string>{"v1", "v2"});
}

TEST_CASE("torn and foreign files are skipped and named, directories without a record are not worth a word") {
  Files files;
  for (const char* name : {"good", "torn", "foreign"}) REQUIRE(files.store.write(record(name, name)).ok());
  const sys::Paths& paths = files.store.paths();
  overwrite(paths.container("torn") + "/config.json", "{\"id\": \"to");
  std::filesystem::copy_file(paths.container("good") + "/config.json", paths.container("foreign") + "/config.json",
                             std::filesystem::copy_options::overwrite_existing);
  REQUIRE(sys::make_dirs(paths.container("begun")).ok());
  NetworkRecord network;
  network.config.name = "net";
  REQUIRE(files.store.write(network).ok());
  overwrite(paths.networks() + "/torn.json", "");
  overwrite(paths.networks() + "/.tmp-1", "half");

  std::vector<std::string> problems;
  Observed observed = files.store.observe(&problems);
  REQUIRE(observed.containers.size() == 1);
  CHECK(observed.containers[0].record.name == "good");
  CHECK(observed.networks.size() == 1);
  REQUIRE(problems.size() == 3);
  CHECK(problems[0].find("/foreign/config.json") != std::string::npos);
  CHECK(problems[1].find("/torn/config.json") != std::string::npos);
  CHECK(problems[2].find("torn.json") != std::string::npos);
}

TEST_CASE("a torn live state does not hide its container") {
  Files files;
  REQUIRE(files.store.write(record("1a", "web")).ok());
  REQUIRE(files.store.write("1a", alive(getpid())).ok());
  overwrite(files.store.live_dir("1a") + "/state.json", "{\"status\": \"runn");
  Result<Container> container = files.store.read("1a");
  REQUIRE(container);
  CHECK_FALSE(container->live.alive());
}

TEST_CASE("after another boot nothing runs, and nobody saw how it ended") {
  Files files;
  REQUIRE(files.store.write(record("1a", "web")).ok());
  LiveState live = alive(getpid());  // the number is even in use again
  live.boot_id = "another boot";
  REQUIRE(files.store.write("1a", live).ok());
  Result<Container> container = files.store.read("1a");
  REQUIRE(container);
  CHECK(container->live.status == engine::Status::exited);
  CHECK(container->live.exit_code == 255);
  CHECK(container->live.process.pid == 0);
  CHECK_FALSE(container->live.ending());
  CHECK(container->live.health.empty());
  CHECK(container->live.endpoints.empty());
  CHECK(container->live.ports.empty());
}

TEST_CASE("how a container ended is known after the next boot") {
  Files files;
  REQUIRE(files.store.write(record("1a", "web")).ok());
  LiveState live;
  live.boot_id = "another boot";
  live.status = engine::Status::exited;
  live.exit_code = 3;
  REQUIRE(files.store.write("1a", live).ok());
  std::filesystem::remove_all(files.store.paths().run);  // what a boot does
  Result<Container> container = files.store.read("1a");
  REQUIRE(container);
  CHECK(container->live.status == engine::Status::exited);
  CHECK(container->live.exit_code == 3);
}

TEST_CASE("what ran for the first time when the machine stopped has ended; what was never started has not") {
  Files files;
  LiveState live;
  live.boot_id = "another boot";
  for (const char* id : {"1a", "2b"}) {
    REQUIRE(files.store.write(record(id, id)).ok());
    REQUIRE(files.store.write(id, live).ok());
  }
  REQUIRE(sys::write_file_atomic(files.store.paths().container("1a") + "/hosts", "", sys::Durability::none, 0644).ok());
  std::filesystem::remove_all(files.store.paths().run);
  const LiveState first = files.store.read("1a").value().live;
  CHECK(first.status == engine::Status::exited);
  CHECK(first.exit_code == 255);
  CHECK(first.started_ns != 0);
  CHECK(files.store.read("2b").value().live.status == engine::Status::created);
}

TEST_CASE("a container whose process has gone does not run, whatever its file says") {
  Files files;
  pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    pause();
    _exit(0);
  }
  REQUIRE(files.store.write(record("1a", "web")).ok());
  REQUIRE(files.store.write("1a", alive(child)).ok());
  CHECK(files.store.read("1a").value().live.alive());
  kill(child, SIGKILL);
  REQUIRE(waitpid(child, nullptr, 0) == child);
  Container container = files.store.read("1a").value();
  CHECK_FALSE(container.live.alive());
  CHECK(container.live.ending());
  CHECK(container.live.process.pid == child);
}

TEST_CASE("a process that only has the number of the container's is not it") {
  Files files;
  REQUIRE(files.store.write(record("1a", "web")).ok());
  LiveState live = alive(getpid());
  ++live.process.start_time;
  REQUIRE(files.store.write("1a", live).ok());
  CHECK_FALSE(files.store.read("1a").value().live.alive());
}

TEST_CASE("removing leaves nothing, and again is no mistake") {
  Files files;
  REQUIRE(files.store.write(record("1a", "web")).ok());
  REQUIRE(files.store.write("1a", alive(getpid())).ok());
  REQUIRE(sys::make_dirs(files.store.paths().container("1a") + "/upper/etc").ok());
  NetworkRecord network;
  network.config.name = "net";
  REQUIRE(files.store.write(network).ok());
  for (int round : {1, 2}) {
    INFO(round);
    CHECK(files.store.remove_container("1a").ok());
    CHECK(files.store.remove_network("net").ok());
    CHECK(std::filesystem::is_empty(files.store.paths().containers()));
    CHECK(std::filesystem::is_empty(files.store.paths().live()));
    CHECK(std::filesystem::is_empty(files.store.paths().networks()));
  }
}

TEST_CASE("the end of a process that only the keeper has seen is found in the exit journal") {
  Files files;
  pid_t pid = fork();
  if (pid == 0) {
    pause();
    _exit(0);
  }
  LiveState live = alive(pid);
  REQUIRE(files.store.write(record("1a", "web")).ok());
  REQUIRE(files.store.write("1a", live).ok());
  REQUIRE(kill(pid, SIGKILL) == 0);
  int status = 0;
  REQUIRE(waitpid(pid, &status, 0) == pid);

  SECTION("not reaped by the keeper yet") {
    Container container = files.store.read("1a").value();
    CHECK(container.live.ending());
    CHECK(container.live.exit_code == 0);
  }
  SECTION("journalled, behind others and one of the same number") {
    ExitRecord other{live.process.start_time + 1, 1, pid, W_EXITCODE(7, 0)};
    ExitRecord ours{live.process.start_time, 99, pid, status};
    std::ofstream journal(files.dir / "run/exits", std::ios::binary);
    for (const ExitRecord& r : {other, ours}) journal.write(reinterpret_cast<const char*>(&r), sizeof r);
    journal.write("torn", 4);
    journal.close();
    Container container = files.store.read("1a").value();
    CHECK(container.live.ending());
    CHECK(container.live.exit_code == 128 + SIGKILL);
    CHECK(container.live.finished_ns == 99);
  }
}
