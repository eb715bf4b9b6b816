#include "sys/netns.h"

#include <fcntl.h>
#include <sched.h>

#include <cerrno>

#include "sys/file.h"
#include "sys/own_thread.h"

namespace berth::sys {

Result<Netns> Netns::create() {
  Netns fresh;
  BERTH_TRY_OK(on_own_thread([&]() -> Status {
    if (unshare(CLONE_NEWNET) != 0) return sys_error("unshare network namespace", errno);
    BERTH_TRY(fresh, current());
    return {};
  }));
  return fresh;
}

Result<Netns> Netns::current() {
  return open("/proc/thread-self/ns/net");
}

Result<Netns> Netns::open(const std::string& path) {
  BERTH_TRY(UniqueFd fd, open_file(path, O_RDONLY));
  return Netns(std::move(fd));
}

Status Netns::run(const std::function<Status()>& work) const {
  return on_own_thread([&]() -> Status {
    if (setns(fd_.get(), CLONE_NEWNET) != 0) return sys_error("enter network namespace", errno);
    return work();
  });
}

}  // namespace berth::sys
