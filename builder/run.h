#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "builder/step_network.h"
#include "runtime/host.h"
#include "runtime/spec.h"
#include "sys/paths.h"

namespace berth::builder {

/// One RUN, its variables replaced.
struct RunRequest {
  std::vector<std::string> args, env;
  std::string cwd, user;
  std::vector<std::string> layers;  // topmost first
  std::string scratch_dir;          // empty, ours; what the process changes ends up in its "upper"
  std::vector<runtime::MountSpec> mounts;
  StepNetwork network;
  std::vector<std::pair<std::string, std::string>> extra_hosts;  // name, address or "host-gateway"
  uint64_t shm_size = 64 << 20;
  std::vector<runtime::Rlimit> rlimits;
  bool privileged = false;
};

/// What the process writes, as it comes; both streams.
using Output = std::function<void(std::string_view bytes)>;

/// Runs the process to its end in a container of its own, which dies with this one. Returns its exit code, 128 + signal
/// if a signal ended it. `cancelled`: asked a few times a second; then all of it is killed. What it changed is in
/// scratch_dir/upper, without the mount points that were made for it. Safe for several threads.
[[nodiscard]] Result<int> run(runtime::Host& host, const sys::Paths& paths, const RunRequest& request,
                              const Output& output, const std::function<bool()>& cancelled);

/// Removes control groups that builds left which are no more. Called before the first run().
void sweep_control_groups(runtime::Host& host, const sys::Paths& paths);

}  // namespace berth::builder
