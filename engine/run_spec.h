#pragma once

#include <map>
#include <string>

#include "engine/state.h"
#include "runtime/spec.h"
#include "sys/paths.h"

namespace berth::engine {

/// Where a container's control groups are, below the root of each hierarchy: "berth-<tag>/<id>", or "<parent>/<id>".
[[nodiscard]] std::string cgroup_path(const sys::Paths& paths, const ContainerRecord& record);

/// What a container takes from others and from images for the length of its start; all descriptors are borrowed.
struct Borrowed {
  sys::FdRef pid{-1}, ipc{-1};          // namespaces to join
  sys::FdRef shared_memory{-1};         // a detached mount, with `ipc`
  std::map<size_t, sys::FdRef> images;  // detached mounts of images, by index of the record's mounts
};

/// What the runtime has to know to start a container or to enter it (`exec`, probes). Pure: files and directories that
/// it names are made by prepare_files() and the volumes' owner. Who only enters it borrows nothing. Error: a value that
/// no kernel interface takes, named.
[[nodiscard]] Result<runtime::ContainerSpec> run_spec(const ContainerRecord& record, const sys::Paths& paths,
                                                      const Borrowed& borrowed = {});

/// Makes the container's own directories and the files that are bound into it: hosts, hostname, resolv.conf, secrets
/// and configs from memory. `gateway` is what host-gateway means to it. Called before every start, because addresses
/// may change.
[[nodiscard]] berth::Status prepare_files(const ContainerRecord& record, const LiveState& live, const sys::Paths& paths,
                                          const std::string& gateway);

/// After the container's networks have changed while it runs: the lines about its own addresses in its hosts file (all
/// others stay as they are, whoever wrote them), and with its first network its resolv.conf.
[[nodiscard]] berth::Status update_network_files(const ContainerRecord& record,
                                                 const std::vector<EndpointState>& before, const LiveState& live,
                                                 const sys::Paths& paths);

}  // namespace berth::engine
