#include "sys/lock.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>

#include "sys/file.h"

namespace berth::sys {
namespace {

Result<UniqueFd> lock_file(const std::string& path, int operation) {
  BERTH_TRY(UniqueFd fd, open_file(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600));
  while (flock(fd.get(), operation) != 0) {
    if (errno != EINTR) return sys_error("lock " + path, errno);
  }
  return fd;
}

}  // namespace

Result<FileLock> FileLock::acquire(const std::string& path) {
  BERTH_TRY(UniqueFd fd, lock_file(path, LOCK_EX));
  return FileLock(std::move(fd));
}

Result<FileLock> FileLock::try_acquire(const std::string& path) {
  BERTH_TRY(UniqueFd fd, lock_file(path, LOCK_EX | LOCK_NB));
  return FileLock(std::move(fd));
}

Result<FileLock> FileLock::acquire_shared(const std::string& path) {
  BERTH_TRY(UniqueFd fd, lock_file(path, LOCK_SH));
  return FileLock(std::move(fd));
}

Result<PlaceLock> PlaceLock::acquire(const std::string& path, uint64_t place, const std::function<void()>& on_wait) {
  BERTH_TRY(UniqueFd fd, open_file(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600));
  struct flock region {};
  region.l_type = F_WRLCK;
  region.l_whence = SEEK_SET;
  region.l_start = static_cast<off_t>(place >> 2);  // off_t has a sign
  region.l_len = 1;
  if (fcntl(fd.get(), F_OFD_SETLK, &region) == 0) return PlaceLock(std::move(fd));
  if (errno != EAGAIN && errno != EACCES) return sys_error("lock " + path, errno);
  if (on_wait) on_wait();
  while (fcntl(fd.get(), F_OFD_SETLKW, &region) != 0) {
    if (errno != EINTR) return sys_error("lock " + path, errno);
  }
  return PlaceLock(std::move(fd));
}

}  // namespace berth::sys
