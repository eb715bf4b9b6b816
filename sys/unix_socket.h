#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sys/fd.h"

namespace berth::sys {

/// Most descriptors that one message carries (the kernel's own limit, SCM_MAX_FD, is 253).
inline constexpr size_t kMaxMessageFds = 16;

/// A connected pair; `type` is SOCK_STREAM or SOCK_SEQPACKET.
[[nodiscard]] Result<std::pair<UniqueFd, UniqueFd>> socket_pair(int type);

/// A listening stream socket at `path`, mode 0600, replacing a stale one.
/// A path longer than sockaddr_un takes is reached through its directory's descriptor.
[[nodiscard]] Result<UniqueFd> listen_unix(const std::string& path);
/// Error ENOENT or ECONNREFUSED where nobody listens.
[[nodiscard]] Result<UniqueFd> connect_unix(const std::string& path);

struct PeerCredentials {
  pid_t pid;
  uid_t uid;
  gid_t gid;
};
/// SO_PEERCRED: who connected, or on the client's side who called listen().
[[nodiscard]] Result<PeerCredentials> peer_credentials(FdRef socket);

/// One message with descriptors. On a stream socket `data` must not be empty. All or nothing is sent on SEQPACKET;
/// on a stream the rest is sent after.
[[nodiscard]] Status send_with_fds(FdRef socket, std::string_view data, const std::vector<FdRef>& fds);

struct Message {
  std::string data;  // empty = the other side closed
  std::vector<UniqueFd> fds;
};
/// One recvmsg(2) of at most `limit` bytes. Error EAGAIN on a non-blocking socket without data.
[[nodiscard]] Result<Message> receive_with_fds(FdRef socket, size_t limit);

}  // namespace berth::sys
