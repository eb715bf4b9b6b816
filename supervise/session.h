#pragma once

#include <boost/asio/local/stream_protocol.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "engine/apply.h"
#include "engine/json.h"
#include "engine/plan_up.h"
#include "supervise/containers.h"
#include "supervise/networks.h"
#include "supervise/task.h"
#include "supervise/tracers.h"
#include "sys/fd.h"

namespace berth::supervise {

/// Requests of one project wait for each other; different projects do not, nor do containers that belong to none.
class ProjectLocks {
 public:
  explicit ProjectLocks(asio::io_context& io) : changed_(io.get_executor()) {}
  /// `who`: in words, for those who have to wait.
  [[nodiscard]] bool try_lock(const std::string& what, const std::string& who) {
    return holders_.emplace(what, who).second;
  }
  /// Requires: it is locked.
  [[nodiscard]] const std::string& holder(const std::string& what) const { return holders_.at(what); }
  void unlock(const std::string& what) {
    holders_.erase(what);
    changed_.notify();
  }
  /// Until something is unlocked, or somebody calls wake().
  Work wait() { return changed_.wait(); }
  void wake() { changed_.notify(); }

 private:
  std::map<std::string, std::string> holders_;
  Signal changed_;
};

/// One connection of a command line: one request (engine/wire.h), its events, its result.
class Session : public std::enable_shared_from_this<Session> {
 public:
  struct Parts {
    asio::io_context& io;
    const engine::StateStore& store;
    Containers& containers;
    Networks& networks;
    ProjectLocks& locks;
  };

  /// `peer`: the process that connected.
  Session(Parts parts, asio::local::stream_protocol::socket socket, pid_t peer);

  /// Until the connection ends. Whatever the other side sends, this returns.
  Work run();

 private:
  Work answer(engine::Json request);
  /// The plan with its updates.
  asio::awaitable<std::vector<Error>> carry_out_all(const engine::Plan& plan, class HostRunner& runner,
                                                    bool undo_on_failure);
  /// The plan's steps on the host, taken back if one fails and `undo_on_failure`. What went wrong.
  asio::awaitable<std::vector<Error>> carry_out(const engine::Plan& plan, class HostRunner& runner,
                                                bool undo_on_failure);
  /// The same without events, and whoever cancels.
  asio::awaitable<std::vector<Error>> complete(const engine::Plan& plan, class HostRunner& runner);
  Work lend(std::string network);
  Work follow_one_off(ContainerPtr container, bool attached);
  [[nodiscard]] Status send_console(const engine::Json& request) const;
  [[nodiscard]] Status take_stdio(const engine::Json& request, HostRunner& runner);
  asio::awaitable<engine::ApplyReport> apply(const engine::Plan& plan, class HostRunner& runner, bool keep_going,
                                             bool quiet);
  Work receive_cancel();
  void send(const engine::Json& message);
  Work write_loop();
  void begin_trace(const std::string& project);
  void send_span(const engine::Span& span);
  void add_trace(const engine::Plan& plan, engine::StepId id, engine::Json& message) const;
  void send_step(const engine::Plan& plan, engine::StepId id, engine::StepEvent event, const Error* error);
  [[nodiscard]] std::set<std::string> in_need_of(const engine::Json& request) const;
  asio::awaitable<bool> lock(std::set<std::string> needed);
  void unlock();
  void finish(std::vector<Error> errors, std::optional<int64_t> exit_code = std::nullopt);
  asio::awaitable<Result<engine::Json>> receive();

  Parts parts_;
  asio::local::stream_protocol::socket socket_;
  pid_t peer_;
  std::string received_, unsent_;
  std::vector<sys::UniqueFd> received_fds_;
  std::set<std::string> locked_;  // the locks we hold
  bool writing_ = false;
  bool closed_ = false, silent_ = false;
  bool cancelled_ = false;
  size_t at_once_ = 0;                              // engine::Apply::Rules
  Signal silence_;                                  // silent_ has become true
  std::shared_ptr<const Tracers::Listener> trace_;  // nobody asked: nullptr
  size_t plan_number_ = 0;                          // how many have been begun, for traces
  std::shared_ptr<engine::Apply> apply_;
};

}  // namespace berth::supervise
