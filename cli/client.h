#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "engine/json.h"
#include "sys/fd.h"
#include "sys/paths.h"

namespace berth::cli {

/// A connection to the supervisor of one state root.
class Client {
 public:
  using OnEvent = std::function<void(const engine::Json&)>;

  /// Connects; where none runs, starts the keeper, which starts the supervisor.
  [[nodiscard]] static Result<Client> connect(const sys::Paths& paths);
  /// Connects only if one runs; ENOENT or ECONNREFUSED otherwise.
  [[nodiscard]] static Result<Client> connect_running(const sys::Paths& paths);

  /// Sends a request and passes on events until its result, which is returned. If the supervisor is replaced in the middle, the request is
  /// sent again: what it asks for is a state, so asking twice is the same as asking once.
  [[nodiscard]] Result<engine::Json> request(const engine::Json& message, const OnEvent& on_event);

  /// For callers that watch other things beside the answer: send, then receive whenever the descriptor is readable.
  [[nodiscard]] Status send(const engine::Json& message);
  [[nodiscard]] Result<engine::Json> receive();
  [[nodiscard]] sys::FdRef fd() const { return socket_.ref(); }

 private:
  Client(sys::Paths paths, sys::UniqueFd socket) : paths_(std::move(paths)), socket_(std::move(socket)) {}

  sys::Paths paths_;
  sys::UniqueFd socket_;
};

/// Waits until a keeper that said it leaves has gone, so that nothing of berth is left when the command ends. Gives up after some seconds.
void wait_until_gone(const sys::Paths& paths);

}  // namespace berth::cli
