#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "engine/json.h"
#include "sys/fd.h"
#include "sys/paths.h"

namespace berth::cli {

/// A connection to the supervisor of one state root.
class Client {
 public:
  /// Connects; where none runs, starts the keeper, which starts the supervisor.
  [[nodiscard]] static Result<Client> connect(const sys::Paths& paths);
  /// Connects only if one runs; ENOENT or ECONNREFUSED otherwise.
  [[nodiscard]] static Result<Client> connect_running(const sys::Paths& paths);

  /// One message of engine/wire.h. EPIPE or ECONNRESET: the supervisor has gone.
  [[nodiscard]] Status send(const engine::Json& message, const std::vector<sys::FdRef>& fds = {});
  [[nodiscard]] Result<engine::Json> receive();
  [[nodiscard]] sys::FdRef fd() const { return socket_.ref(); }

 private:
  explicit Client(sys::UniqueFd socket) : socket_(std::move(socket)) {}

  sys::UniqueFd socket_;
};

/// Waits until a keeper that said it leaves has gone, so that nothing of berth is left when the command ends. Gives up
/// after some seconds.
void wait_until_gone(const sys::Paths& paths);

}  // namespace berth::cli
