#pragma once

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/signal_set.hpp>
#include <memory>
#include <string>

#include "engine/state.h"
#include "supervise/containers.h"
#include "supervise/networks.h"
#include "supervise/session.h"
#include "supervise/task.h"

namespace berth::supervise {

/// All parts of the supervisor of one state root, wired together.
class Supervisor {
 public:
  /// Takes over from an earlier one: records, live containers, descriptors that the keeper has kept.
  [[nodiscard]] static Result<std::unique_ptr<Supervisor>> open(const sys::Paths& paths);

  /// Serves until there is nothing left to look after.
  void run();

 private:
  explicit Supervisor(const sys::Paths& paths);
  [[nodiscard]] Status set_up();
  void sweep();
  Work accept_loop();
  void leave_if_idle();

  asio::io_context io_{1};
  asio::thread_pool pool_{1};  // and a second thread, where there may be one
  asio::steady_timer first_request_{io_};
  engine::StateStore store_;
  std::unique_ptr<KeeperLink> keeper_;
  std::unique_ptr<runtime::Host> host_;
  std::unique_ptr<Networks> networks_;
  std::unique_ptr<Containers> containers_;
  ProjectLocks locks_{io_};
  std::unique_ptr<asio::local::stream_protocol::acceptor> acceptor_;
  size_t sessions_ = 0;
  bool leaving_ = false;
};

}  // namespace berth::supervise
