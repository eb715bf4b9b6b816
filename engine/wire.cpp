#include "engine/wire.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "sys/unix_socket.h"

namespace berth::engine {
namespace {

berth::Status receive_exactly(sys::FdRef socket, char* data, size_t size) {
  while (size > 0) {
    ssize_t n = recv(socket.get(), data, size, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return sys_error("receive from the supervisor", errno);
    if (n == 0) return sys_error("receive from the supervisor", EPIPE);
    data += n;
    size -= static_cast<size_t>(n);
  }
  return {};
}

}  // namespace

std::string frame(const Json& message) {
  std::string text = to_text(message);
  auto length = static_cast<uint32_t>(text.size());
  std::string bytes(sizeof length, '\0');
  std::memcpy(bytes.data(), &length, sizeof length);
  return bytes + text;
}

berth::Status send_frame(sys::FdRef socket, const Json& message, const std::vector<sys::FdRef>& fds) {
  return sys::send_with_fds(socket, frame(message), fds);
}

Result<Json> receive_frame(sys::FdRef socket) {
  uint32_t length = 0;
  BERTH_TRY_OK(receive_exactly(socket, reinterpret_cast<char*>(&length), sizeof length));
  if (length > kMaxFrame) return sys_error("receive from the supervisor", EMSGSIZE);
  std::string text(length, '\0');
  BERTH_TRY_OK(receive_exactly(socket, text.data(), text.size()));
  return from_json_text<Json>(text, "the supervisor's answer");
}

}  // namespace berth::engine
