#include "oci/config.h"

#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace berth;
using nlohmann::json;

namespace {

json minimal() {
  return {{"ociVersion", "1.0.2"},
          {"process", {{"args", {"true"}}, {"cwd", "/"}}},
          {"root", {{"path", "/"}}},
          {"linux", {{"namespaces", json::array({{{"type", "mount"}}})}}}};
}

Result<oci::Config> read(const json& document) {
  return oci::read_config(document.dump(), {"it", "/bundle", "", true, true, 0});
}

/// The one mount, as it is read from these options.
runtime::RawMount mount_with(const std::string& type, std::vector<std::string> options) {
  json document = minimal();
  document["mounts"] = json::array({{{"destination", "/x"}, {"type", type}, {"source", "s"}, {"options", options}}});
  Result<oci::Config> config = read(document);
  INFO((config ? "" : config.error().message()));
  REQUIRE(config.ok());
  return std::get<runtime::RawMount>(config->spec.mounts.at(0));
}

}  // namespace

TEST_CASE("what config.json does not say is nothing, not Docker's default") {
  Result<oci::Config> config = read(minimal());
  REQUIRE(config.ok());
  const runtime::ContainerSpec& spec = config->spec;
  CHECK(spec.mounts.empty());
  CHECK(spec.masked_paths.empty());
  CHECK(spec.read_only_paths.empty());
  CHECK(spec.env.empty());
  CHECK(spec.process->caps.bounding == 0);
  CHECK(spec.process->caps.effective == 0);
  CHECK(spec.seccomp == runtime::SeccompMode::unconfined);
  CHECK(spec.pid.kind == runtime::NamespaceMode::Kind::host);
  CHECK_FALSE(spec.bare->new_network);
  CHECK(spec.cgroup_path == "berth-oci/it");
  CHECK(spec.resources.exact);
}

TEST_CASE("options of mounts become attributes, their recursive forms, propagation and data") {
  runtime::RawMount bind = mount_with("bind", {"rbind", "ro", "rnosuid", "noatime", "rw", "private", "rslave"});
  CHECK(bind.type == "bind");
  CHECK(bind.source == "/bundle/s");
  CHECK(bind.recursive);
  CHECK(bind.set == MOUNT_ATTR_NOATIME);
  CHECK(bind.clear == (MOUNT_ATTR__ATIME | MOUNT_ATTR_RDONLY));
  CHECK(bind.set_below == MOUNT_ATTR_NOSUID);
  CHECK(bind.propagation == MS_SLAVE);
  CHECK(bind.propagation_recursive);

  runtime::RawMount tmpfs = mount_with("tmpfs", {"ro", "size=1m", "noswap", "tmpcopyup", "strictatime"});
  CHECK(tmpfs.set == (MOUNT_ATTR_RDONLY | MOUNT_ATTR_STRICTATIME));
  CHECK(tmpfs.options == std::vector<std::pair<std::string, std::string>>{{"size", "1m"}, {"noswap", ""}});
  CHECK(tmpfs.copy_up);
  CHECK(tmpfs.propagation == 0);
  CHECK(mount_with("cgroup2", {"ro"}).type == "cgroup");
}

TEST_CASE("devices, rules and limits come over as they are") {
  json document = minimal();
  document["linux"]["devices"] =
      json::array({{{"path", "/dev/a"}, {"type", "b"}, {"major", 7}, {"minor", 9}, {"fileMode", 0100640}, {"uid", 3}}});
  document["linux"]["resources"] = {
      {"devices", json::array({{{"allow", true}, {"type", "c"}, {"major", 1}, {"access", "r"}},
                               {{"allow", false}, {"access", "rwm"}},
                               {{"allow", true}, {"type", "c"}, {"major", 5}, {"minor", 6}, {"access", "rw"}}})},
      {"memory", {{"limit", 1024}, {"swap", -1}}},
      {"cpu", {{"shares", 0}, {"quota", -1}}},
      {"pids", {{"limit", -1}}},
      {"blockIO", {{"throttleReadBpsDevice", json::array({{{"major", 8}, {"minor", 0}, {"rate", 5}}})}}}};
  Result<oci::Config> config = read(document);
  INFO((config ? "" : config.error().message()));
  REQUIRE(config.ok());
  const runtime::DeviceNode& device = config->spec.bare->devices.at(0);
  CHECK(device.mode == (S_IFBLK | 0640));
  CHECK(device.device == makedev(7, 9));
  // What concerns all devices makes void what was said before.
  CHECK(config->spec.bare->rules ==
        std::vector<runtime::DeviceRule>{{'a', -1, -1, "rwm", false}, {'c', 5, 6, "rw", true}});
  const runtime::Resources& limits = config->spec.resources;
  CHECK(limits.memory == 1024);
  CHECK(limits.memory_swap == -1);
  CHECK_FALSE(limits.cpu_shares);
  CHECK(limits.cpu_quota_us == -1);
  CHECK(limits.pids_limit == -1);
  CHECK(limits.read_bps.at(0).device == "8:0");
}

TEST_CASE("every part that is not supported is refused by its place") {
  const std::pair<const char*, json> parts[] = {
      {"/process/execCPUAffinity", {{"initial", "0"}}},
      {"/process/commandLine", "x"},
      {"/process/user/username", "x"},
      {"/linux/intelRdt", {{"closID", "x"}}},
      {"/linux/mountLabel", "x"},
      {"/linux/memoryPolicy", {{"mode", "MPOL_BIND"}}},
      {"/linux/netDevices", {{"eth0", json::object()}}},
      {"/linux/uidMappings", json::array({{{"containerID", 0}, {"hostID", 0}, {"size", 1}}})},
      {"/linux/timeOffsets", {{"boottime", {{"secs", 1}}}}},
      {"/linux/seccomp/listenerPath", "/x"},
      {"/linux/resources/memory/kernel", 5},
      {"/linux/resources/memory/useHierarchy", false},
      {"/linux/resources/blockIO/leafWeight", 5},
      {"/linux/personality/flags", {"x"}},
      {"/windows", {{"x", 1}}},
      {"/vm", {{"x", 1}}},
  };
  for (const auto& [place, value] : parts) {
    json document = minimal();
    document[json::json_pointer(place)] = value;
    Result<oci::Config> config = read(document);
    INFO(place);
    REQUIRE_FALSE(config.ok());
    CHECK(config.error().message().find(std::string(place) + ": not supported") != std::string::npos);
  }
}

TEST_CASE("mistakes are told with their place, all of them") {
  json document = minimal();
  document["ociVersion"] = "2.0";
  document["process"]["cwd"] = "x";
  document["process"]["rlimits"] = json::array({{{"type", "RLIMIT_CORE"}}, {{"type", "RLIMIT_CORE"}}});
  document["linux"]["seccomp"] = {{"defaultAction", "SCMP_ACT_NOTIFY"}};
  document["mounts"] =
      json::array({{{"destination", "/x"}, {"type", "bind"}, {"source", "/"}, {"options", {"size=1"}}}});
  document["hooks"] = {{"poststop", json::array({{{"path", "x"}, {"timeout", 0}}})}};
  Result<oci::Config> config = read(document);
  REQUIRE_FALSE(config.ok());
  for (const char* words : {"/ociVersion: ", "/process/cwd: ", "/process/rlimits/1/type: is there twice",
                            "/linux/seccomp: action SCMP_ACT_NOTIFY is not supported",
                            "/mounts/0/options/0: a bind mount has no option \"size=1\"",
                            "/hooks/poststop/0/path: ", "/hooks/poststop/0/timeout: "}) {
    INFO(config.error().message());
    CHECK(config.error().message().find(words) != std::string::npos);
  }
}

TEST_CASE("a capability that cannot be given is left out with a warning") {
  json document = minimal();
  document["process"]["capabilities"] = {{"bounding", {"CAP_KILL", "CAP_OF_TOMORROW"}}, {"effective", {"CAP_KILL"}}};
  Result<oci::Config> config = read(document);
  REQUIRE(config.ok());
  CHECK(config->warnings.size() == 1);
  CHECK(config->spec.process->caps.bounding == *runtime::parse_cap("KILL"));
  CHECK(config->spec.process->caps.effective == 0);  // not permitted
}

TEST_CASE("cgroupsPath is taken below the root of each hierarchy") {
  CHECK(oci::cgroup_path("", "it") == "berth-oci/it");
  CHECK(oci::cgroup_path("/a//b/./c/", "it") == "a/b/c");
  CHECK(oci::cgroup_path("a/b", "it") == "a/b");
}
