#include "cli/settled.h"

#include <poll.h>

#include "cli/client.h"
#include "engine/settled_request.h"

namespace berth::cli {

bool is_settled(const Context& context, const engine::Selection& selection, LogFollower& follower,
                const Signals& signals) {
  Result<Client> client = Client::connect_running(context.paths);
  if (!client || !client->send(engine::to_message(engine::SettledRequest{selection}))) return true;
  for (;;) {
    pollfd fds[] = {{follower.fd().get(), POLLIN, 0}, {signals.fd().get(), POLLIN, 0}, {client->fd().get(), POLLIN, 0}};
    poll(fds, 3, -1);
    if (fds[1].revents != 0) return false;
    follower.pump();
    if (fds[2].revents == 0) continue;
    Result<engine::Json> message = client->receive();
    if (!message || message->value("type", "") == "result") break;
  }
  follower.pump();
  return true;
}

}  // namespace berth::cli
