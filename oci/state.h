#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "oci/config.h"
#include "runtime/cgroup.h"
#include "sys/lock.h"
#include "sys/pidfd.h"

namespace berth::oci {

enum class Phase { creating, created, running, paused, stopped };
[[nodiscard]] const char* phase_name(Phase phase);

/// What is on record about a container, written before it exists and again when its process does.
struct Record {
  std::string id, bundle, rootfs, spec_version, created;
  uid_t owner = 0;
  sys::ProcessIdentity process;  // pid 0 until there is one
  sys::ProcessIdentity creator;  // whoever makes it
  std::string cgroup_path;
  std::map<std::string, std::string> annotations;
  std::vector<runtime::Hook> poststart, poststop;
};

/// The state directory of one container, below --root:
///
///   state.json    the record
///   config.json   as it was at create, for exec
///   start         FIFO at which the process waits; there until it is started
///
/// The directory exists first, and every file is replaced at once: whatever dies at any moment leaves something that
/// `delete --force` removes.
class StateDir {
 public:
  /// Error: not a name for a container.
  [[nodiscard]] static Result<StateDir> of(const std::string& root, const std::string& id);

  /// Makes it. Error EEXIST: there is such a container.
  [[nodiscard]] Status create() const;
  [[nodiscard]] bool exists() const;
  /// What to say where it does not.
  [[nodiscard]] Error missing() const;
  /// Error: there is no such container. A directory without a record, which a crash left, gives an empty one.
  [[nodiscard]] Result<Record> read() const;
  [[nodiscard]] Status write(const Record& record) const;
  /// Ok if already gone.
  [[nodiscard]] Status remove() const;
  /// One at a time starts or deletes.
  [[nodiscard]] Result<sys::FileLock> lock() const;

  [[nodiscard]] std::string gate() const { return path_ + "/start"; }
  [[nodiscard]] std::string config() const { return path_ + "/config.json"; }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  StateDir(std::string root, std::string id);
  std::string root_, id_, path_;
};

/// The containers below a root, sorted.
[[nodiscard]] std::vector<std::string> containers_in(const std::string& root);

/// What the kernel says about a container now.
[[nodiscard]] Phase phase_of(const StateDir& dir, const Record& record, const runtime::CgroupMounts& mounts);

/// The state as the specification has it, and with runc's further fields.
[[nodiscard]] std::string state_json(const Record& record, Phase phase, bool indented);
/// The specification's alone, as hooks read it.
[[nodiscard]] std::string hook_state(const Record& record, Phase phase);

}  // namespace berth::oci
