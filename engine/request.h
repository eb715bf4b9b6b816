#pragma once

#include "engine/json.h"
#include "engine/plan_down.h"
#include "engine/plan_network.h"
#include "engine/plan_prune.h"
#include "engine/plan_up.h"

namespace berth::engine {

// What the command line asks of the supervisor (engine/wire.h), as values. One struct a request, each with the name it
// has in "op".

struct UpRequest {
  static constexpr const char* kOp = "up";
  Stack stack;
  UpOptions options;
};
/// The connection carries on until the container has ended if `attach`: after the steps comes {"type": "running", "id",
/// "pid", "start_time"}, and the result has an "exit_code". With the request come descriptors: standard input, output
/// and error for the container; or for one with a tty a socket on which the terminal's master is sent back.
struct RunRequest {
  static constexpr const char* kOp = "run";
  Stack stack;        // the service and what it depends on
  UpOptions options;  // with one_off
  bool attach = true;
};
struct DownRequest {
  static constexpr const char* kOp = "down";
  Selection selection;
  DownOptions options;
};
struct StopRequest {
  static constexpr const char* kOp = "stop";
  Selection selection;
  std::optional<int64_t> timeout_ns;
};
struct StartRequest {
  static constexpr const char* kOp = "start";
  Selection selection;
  StartOptions options;
};
struct RestartRequest {
  static constexpr const char* kOp = "restart";
  Selection selection;
  std::optional<int64_t> timeout_ns;
  bool dependents = true;
};
struct KillRequest {
  static constexpr const char* kOp = "kill";
  Selection selection;
  int signal = 9;
};
/// A place in a network, as a container has one, for as long as the connection stands. With the request comes a socket,
/// on which the network namespace is sent back; {"type": "lent", "gateway"} says so.
struct LendRequest {
  static constexpr const char* kOp = "lend";
  std::string network;  // real name
};
struct PauseRequest {
  static constexpr const char* kOp = "pause";
  Selection selection;
};
struct UnpauseRequest {
  static constexpr const char* kOp = "unpause";
  Selection selection;
};
struct RemoveRequest {
  static constexpr const char* kOp = "rm";
  Selection selection;
  RemoveOptions options;
};
struct RenameRequest {
  static constexpr const char* kOp = "rename";
  Selection selection;  // one container
  std::string name;
};

/// About a container with a tty: with the request comes a socket, on which its terminal's master is sent back.
struct AttachRequest {
  static constexpr const char* kOp = "attach";
  std::string id;
};

/// Of one project, so that nothing is taken from under a command that works on it.
struct PruneRequest {
  static constexpr const char* kOp = "prune";
  Selection selection;  // the project alone counts
  PruneOptions options;
};

// Networks and who is on them. In each, `again` says that the supervisor died over the first time it was asked.

struct CreateNetworkRequest {
  static constexpr const char* kOp = "network create";
  NetworkConfig network;
  bool again = false;
};
struct RemoveNetworkRequest {
  static constexpr const char* kOp = "network rm";
  std::string network;  // name or id
  bool again = false;
};
struct ConnectRequest {
  static constexpr const char* kOp = "network connect";
  Selection selection;  // the container
  ConnectOptions options;
  bool again = false;
};
struct DisconnectRequest {
  static constexpr const char* kOp = "network disconnect";
  Selection selection;
  DisconnectOptions options;
  bool again = false;
};

BERTH_JSON_DECLARE(UpRequest)
BERTH_JSON_DECLARE(RunRequest)
BERTH_JSON_DECLARE(DownRequest)
BERTH_JSON_DECLARE(StopRequest)
BERTH_JSON_DECLARE(StartRequest)
BERTH_JSON_DECLARE(RestartRequest)
BERTH_JSON_DECLARE(KillRequest)
BERTH_JSON_DECLARE(LendRequest)
BERTH_JSON_DECLARE(PauseRequest)
BERTH_JSON_DECLARE(UnpauseRequest)
BERTH_JSON_DECLARE(RemoveRequest)
BERTH_JSON_DECLARE(RenameRequest)
BERTH_JSON_DECLARE(AttachRequest)
BERTH_JSON_DECLARE(PruneRequest)
BERTH_JSON_DECLARE(CreateNetworkRequest)
BERTH_JSON_DECLARE(RemoveNetworkRequest)
BERTH_JSON_DECLARE(ConnectRequest)
BERTH_JSON_DECLARE(DisconnectRequest)

/// {"op": …, …}
template <class Request>
[[nodiscard]] Json to_message(const Request& request) {
  Json message = request;
  message["op"] = Request::kOp;
  return message;
}

/// The request in `message` as a value, or an error that says what is wrong with it.
template <class Request>
[[nodiscard]] Result<Request> from_message(const Json& message) {
  try {
    return message.get<Request>();
  } catch (const Json::exception& e) {
    return make_error(std::string("the request is not understood: ") + e.what());
  }
}

}  // namespace berth::engine
