#include "sys/unix_socket.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/check.h"
#include "sys/file.h"

namespace berth::sys {
namespace {

/// A socket address for `path`; `dir` keeps the directory open where the path had to be shortened to
/// /proc/self/fd/N/name.
Result<sockaddr_un> address_of(const std::string& path, UniqueFd& dir) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::string usable = path;
  if (usable.size() >= sizeof address.sun_path) {
    size_t slash = path.rfind('/');
    if (slash == std::string::npos) return sys_error("socket path " + path, ENAMETOOLONG);
    BERTH_TRY(dir, open_file(path.substr(0, slash), O_PATH | O_DIRECTORY));
    usable = fmt::format("/proc/self/fd/{}/{}", dir.get(), path.substr(slash + 1));
    if (usable.size() >= sizeof address.sun_path) return sys_error("socket path " + path, ENAMETOOLONG);
  }
  std::memcpy(address.sun_path, usable.c_str(), usable.size() + 1);
  return address;
}

}  // namespace

Result<std::pair<UniqueFd, UniqueFd>> socket_pair(int type) {
  int fds[2];
  if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds) != 0) return sys_error("socketpair", errno);
  return std::pair(UniqueFd(fds[0]), UniqueFd(fds[1]));
}

Result<UniqueFd> listen_unix(const std::string& path) {
  UniqueFd dir;
  BERTH_TRY(sockaddr_un address, address_of(path, dir));
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return sys_error("socket", errno);
  unlink(path.c_str());
  // The mode of the inode comes from the socket's own before bind(), so there is no moment in which others could
  // connect.
  if (fchmod(fd.get(), 0600) != 0) return sys_error("chmod socket", errno);
  if (bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    return sys_error("bind " + path, errno);
  if (listen(fd.get(), 128) != 0) return sys_error("listen " + path, errno);
  return fd;
}

Result<UniqueFd> connect_unix(const std::string& path) {
  UniqueFd dir;
  BERTH_TRY(sockaddr_un address, address_of(path, dir));
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return sys_error("socket", errno);
  while (connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    if (errno != EINTR) return sys_error("connect " + path, errno);
  }
  return fd;
}

Result<PeerCredentials> peer_credentials(FdRef socket) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
    return sys_error("SO_PEERCRED", errno);
  return PeerCredentials{credentials.pid, credentials.uid, credentials.gid};
}

Status send_with_fds(FdRef socket, std::string_view data, const std::vector<FdRef>& fds) {
  BERTH_CHECK(fds.size() <= kMaxMessageFds);
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMaxMessageFds)] = {};
  iovec part{const_cast<char*>(data.data()), data.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!fds.empty()) {
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(sizeof(int) * fds.size());
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int) * fds.size());
    int* out = reinterpret_cast<int*>(CMSG_DATA(header));
    for (FdRef fd : fds) *out++ = fd.get();
  }
  ssize_t n;
  do {
    n = sendmsg(socket.get(), &message, MSG_NOSIGNAL);
  } while (n < 0 && errno == EINTR);
  if (n < 0) return sys_error("send message", errno);
  data.remove_prefix(static_cast<size_t>(n));
  while (!data.empty()) {
    n = send(socket.get(), data.data(), data.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return sys_error("send message", errno);
    data.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

Result<Message> receive_with_fds(FdRef socket, size_t limit) {
  Message result;
  result.data.resize(limit);
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMaxMessageFds)] = {};
  iovec part{result.data.data(), result.data.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t n;
  do {
    n = recvmsg(socket.get(), &message, MSG_CMSG_CLOEXEC);
  } while (n < 0 && errno == EINTR);
  if (n < 0) return sys_error("receive message", errno);
  result.data.resize(static_cast<size_t>(n));
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof fd);
      result.fds.emplace_back(fd);
    }
  }
  if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) return sys_error("receive message (cut short)", EMSGSIZE);
  return result;
}

}  // namespace berth::sys
