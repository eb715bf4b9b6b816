#include "volumes/copy_up.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "sys/file.h"
#include "sys/lock.h"
#include "volumes/copy_tree.h"
#include "volumes/merged_tree.h"
#include "volumes/volume_file.h"
#include "volumes/volume_mount.h"

// How this works: the copy is made in <volume>/.tmp-copy-up, synced, and renamed over the empty _data, which rename(2)
// does in one step and only if it is empty still. Then "populated" is recorded. A crash before the rename leaves an
// empty volume and a temporary that the next call removes; one after it leaves a full _data, which the next call takes
// as content.

namespace berth::volumes {
namespace {

constexpr const char* kStaging = "/.tmp-copy-up";

Status record_populated(const VolumeStore& store, Volume volume) {
  volume.populated = true;
  return write_volume(store.directory(), volume);
}

Result<CopyUp> fill(const VolumeStore& store, const Volume& volume, const MergedDir& source) {
  if (is_mounted(volume.data_dir)) {  // nothing can take the place of a mount
    BERTH_TRY(sys::UniqueFd target, sys::open_file(volume.data_dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    BERTH_TRY_OK(copy_tree(source, target.ref()));
    return CopyUp::copied;
  }
  std::string staging = store.volume_path(volume.name) + kStaging;
  if (mkdir(staging.c_str(), 0700) != 0) return sys_error("mkdir " + staging, errno);
  BERTH_TRY(sys::UniqueFd target, sys::open_file(staging, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  BERTH_TRY_OK(copy_tree(source, target.ref()));
  BERTH_TRY_OK(sys::sync_filesystem(target.ref()).context("{}", staging));
  if (rename(staging.c_str(), volume.data_dir.c_str()) != 0) {
    bool filled_meanwhile = errno == ENOTEMPTY || errno == EEXIST;
    if (!filled_meanwhile) return sys_error("rename to " + volume.data_dir, errno);
    BERTH_TRY_OK(sys::remove_tree(staging));
    return CopyUp::not_empty;
  }
  BERTH_TRY_OK(sys::sync_dir(store.volume_path(volume.name)));
  return CopyUp::copied;
}

Result<CopyUp> copy_up_locked(const VolumeStore& store, const Volume& volume, const std::vector<std::string>& layers,
                              const std::string& path) {
  BERTH_TRY_OK(sys::remove_tree(store.volume_path(volume.name) + kStaging));
  if (volume.populated) return CopyUp::already;
  BERTH_TRY(std::vector<std::string> content, sys::list_dir(volume.data_dir));
  CopyUp result = CopyUp::not_empty;
  if (content.empty()) {
    BERTH_TRY(std::optional<MergedDir> source, find_directory(layers, path));
    result = CopyUp::no_source;
    if (source) {
      BERTH_TRY(result, fill(store, volume, *source));
    }
  }
  BERTH_TRY_OK(record_populated(store, volume));
  return result;
}

}  // namespace

Result<CopyUp> copy_up(const VolumeStore& store, const std::string& name, const std::vector<std::string>& layers,
                       const std::string& path) {
  BERTH_TRY(Volume before, store.inspect(name));
  if (before.populated) return CopyUp::already;
  BERTH_TRY(auto held, sys::FileLock::acquire(store.volume_path(name) + "/lock"));
  BERTH_TRY(Volume volume, store.inspect(name));  // who held the lock before may have done it
  return copy_up_locked(store, volume, layers, path).context("fill volume {} from {}", name, path);
}

}  // namespace berth::volumes
