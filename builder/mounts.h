#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "builder/stage.h"
#include "builder/tree.h"
#include "runtime/spec.h"
#include "sys/lock.h"

namespace berth::builder {

/// The mounts of one RUN, made in our own mount namespace and taken away with this.
class RunMounts {
 public:
  RunMounts(const BuildRequest& request, const BuildParts& parts, std::string scratch)
      : request_(request), parts_(parts), scratch_(std::move(scratch)) {}
  RunMounts(const RunMounts&) = delete;
  RunMounts& operator=(const RunMounts&) = delete;
  ~RunMounts();

  /// `options`: of `--mount`, variables replaced. `tree`: what bind mounts take their files from.
  [[nodiscard]] Status add(const std::string& type, const Values& options, const SourceTree& tree,
                           const std::string& working_dir);

  /// After the last add(): waits for the caches that nobody else may use meanwhile. Error ECANCELED.
  [[nodiscard]] Status take_caches();

  [[nodiscard]] const std::vector<runtime::MountSpec>& specs() const { return specs_; }
  /// Variables that secrets become.
  [[nodiscard]] const std::vector<std::string>& env() const { return env_; }

 private:
  [[nodiscard]] Status add_bind(const Values& options, const SourceTree& tree, const std::string& target);
  [[nodiscard]] Status add_cache(const Values& options, const SourceTree& tree, const std::string& target);
  [[nodiscard]] Status add_secret(const Values& options);
  [[nodiscard]] Status add_ssh(const Values& options);
  [[nodiscard]] Result<std::string> mounted_tree(const SourceTree& tree, bool writable);
  [[nodiscard]] Result<std::string> memory_directory();

  struct Cache {
    enum class Sharing { shared, locked, own } sharing;
    std::string directory;
    size_t spec;  // index in specs_
    mode_t mode;
    unsigned uid, gid;
    std::optional<SourceTree> seed;  // what it holds at first, as it is at seed_path there
    std::string seed_path;
  };
  [[nodiscard]] static Status make_cache(const Cache& cache, const std::string& directory);
  [[nodiscard]] Result<std::string> own_directory(const std::string& directory);

  const BuildRequest& request_;
  const BuildParts& parts_;
  std::string scratch_;
  std::vector<std::string> mounted_;
  std::vector<Cache> caches_;
  std::vector<sys::FileLock> locks_;
  std::vector<runtime::MountSpec> specs_;
  std::vector<std::string> env_;
  std::string memory_;
  int count_ = 0;
};

}  // namespace berth::builder
