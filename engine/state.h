#pragma once

// What berth knows of containers and networks, as kept in files (docs/state_format.md). The supervisor is the only
// writer; everybody else reads the files, which are replaced at once, so `ps`, `logs` and `exec` need no supervisor.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/config.h"
#include "sys/paths.h"
#include "sys/pidfd.h"

namespace berth::engine {

/// Values of the com.docker.compose.* labels and the identity of one container: written once, when it is created.
struct ContainerRecord {
  std::string id;  // 64 hex digits
  std::string name;
  std::string project;  // empty: of none, made by `container run`; then
  std::string service;  // is what it was called at first
  int64_t number = 1;
  bool one_off = false;
  std::optional<size_t> pre_start;  // runs this hook of its service, and is a one-off, too
  bool auto_remove = false;         // with its anonymous volumes, as soon as it has ended
  int64_t created_ns = 0;           // wall clock
  std::string image_id;             // digest of the image's config
  std::string config_hash;
  ContainerConfig config;
  // Image and config merged:
  std::vector<std::string> expose;
  std::vector<std::string> args;
  std::vector<std::string> env;  // NAME=value
  std::string user, working_dir, stop_signal;
  int64_t stop_grace_ns = 0;
  std::optional<HealthConfig> health;  // complete; nothing = no probe
  std::vector<MountConfig> mounts;     // with the image's volumes; anonymous ones have names by now
  std::vector<std::string> layers;     // unpacked trees of the image, topmost first
  std::vector<std::string> anonymous_volumes;
  Labels labels;  // config's, image's and com.docker.compose.*

  [[nodiscard]] std::string short_id() const { return id.substr(0, 12); }
};

/// Whether it has the volume, running or not.
[[nodiscard]] bool mounts_volume(const ContainerRecord& record, const std::string& volume);

/// What a process returned, in Docker's numbers, from a wait status: its code, or 128 and the signal.
[[nodiscard]] int64_t exit_code_of(int wait_status);

enum class Status { created, running, paused, restarting, removing, exited, dead };
[[nodiscard]] const char* status_name(Status status);

/// An address a running container has on a network.
struct EndpointState {
  std::string network;  // real name
  std::string interface, host_interface;
  std::string address, ipv6_address;  // 172.18.0.2, fd00::2; empty where the network does not have the family
  std::string mac;
  bool internal = false;  // of a network without a way in: published ports do not lead here
  bool pending = false;   // being connected to a running container: perhaps not there, or not all of it
};

/// A published port as it is now, with the host port that was chosen.
struct PublishedPort {
  std::string host_ip;  // empty = every address
  uint16_t host_port = 0, container_port = 0;
  std::string protocol = "tcp";
};

struct ProbeResult {
  int64_t start_ns = 0, end_ns = 0;
  int64_t exit_code = 0;
  std::string output;  // at most 4096 bytes
};

/// Where a container's restart policy stands; a manual start begins anew.
struct RestartState {
  int64_t attempts = 0;  // since the last run that counts as a good one
  int64_t delay_ns = 0;  // the last pause
};

/// What changes while a container lives. A file below $BERTH_RUN, gone with the next boot; the outcome of the last run
/// is also kept beside the record, so that `ps -a` still knows it then.
struct LiveState {
  std::string boot_id;
  Status status = Status::created;
  sys::ProcessIdentity process;  // of the container's first process; pid 0 = none
  int64_t started_ns = 0, finished_ns = 0;
  int64_t exit_code = 0;
  bool oom_killed = false;
  std::string error;   // why it could not start
  std::string health;  // empty, starting, healthy, unhealthy
  int64_t failing_streak = 0;
  std::vector<ProbeResult> probes;  // the last five
  int64_t restart_count = 0;        // by the policy, since the last manual start
  RestartState restarts;
  bool stopped_by_user = false;  // restart policies leave it alone
  bool attached = false;         // its output goes to the command that started it, not into the log
  std::vector<EndpointState> endpoints;
  std::vector<PublishedPort> ports;

  [[nodiscard]] bool alive() const { return status == Status::running || status == Status::paused; }
  /// Its process has gone, but the supervisor has not written that down yet. The exit code is right if the keeper has
  /// seen the end.
  [[nodiscard]] bool ending() const { return status == Status::exited && process.pid != 0; }
};

struct NetworkRecord {
  std::string id;               // 64 hex digits
  std::string bridge;           // or, of another driver, the interface of the host that its own are made on
  bool keep_interface = false;  // it was there before, and stays
  std::string project;          // empty: made by hand
  int64_t created_ns = 0;
  NetworkConfig config;
  std::vector<IpamConfig> ipam;  // what it has: for each of its families, IPv4 first
};

struct Container {
  ContainerRecord record;
  LiveState live;
};

/// A snapshot of everything berth has, read from the files and corrected by the kernel's truth: a container whose
/// process is gone is not running whatever its file says.
struct Observed {
  std::vector<Container> containers;  // sorted by name
  std::vector<NetworkRecord> networks;
  std::vector<std::string> volumes;          // names
  std::vector<VolumeConfig> volume_configs;  // of those that observe_volumes() was asked about

  [[nodiscard]] const NetworkRecord* network(const std::string& name) const;
};

/// The files. Functions that write are the supervisor's alone.
class StateStore {
 public:
  explicit StateStore(sys::Paths paths) : paths_(std::move(paths)) {}

  [[nodiscard]] const sys::Paths& paths() const { return paths_; }

  /// Reads all; files that are torn, foreign or of a newer format are skipped and named in `problems`.
  [[nodiscard]] Observed observe(std::vector<std::string>* problems = nullptr) const;
  /// One container. Error ENOENT if there is none.
  [[nodiscard]] Result<Container> read(const std::string& id) const;

  [[nodiscard]] berth::Status write(const ContainerRecord& record) const;
  [[nodiscard]] berth::Status write(const std::string& id, const LiveState& live) const;
  [[nodiscard]] berth::Status write(const NetworkRecord& record) const;
  /// Everything that is kept of a container: record, log, writable layer.
  [[nodiscard]] berth::Status remove_container(const std::string& id) const;
  [[nodiscard]] berth::Status remove_network(const std::string& name) const;

  [[nodiscard]] std::string log_path(const std::string& id) const { return paths_.container(id) + "/log"; }
  [[nodiscard]] std::string live_dir(const std::string& id) const { return paths_.live() + "/" + id; }

 private:
  [[nodiscard]] Result<Container> read_container(const std::string& id, const std::string& boot) const;
  void read_exit(LiveState& live) const;

  sys::Paths paths_;
};

}  // namespace berth::engine
