#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/exit_record.h"
#include "supervise/keeper/protocol.h"
#include "supervise/task.h"
#include "sys/fd.h"

namespace berth::supervise {

/// The supervisor's end of its keeper (supervise/keeper/main.cpp): descriptors put away for the next supervisor, log
/// pumps, exits of containers. Keeps duplicates of what the keeper holds, so that it can become the keeper if that one
/// is killed.
class KeeperLink {
 public:
  struct Handlers {
    std::function<void(const ExitRecord&)> exited;
  };

  /// Takes over the descriptors that the keeper's start handed down, and receives everything that an earlier supervisor
  /// stored. Blocks until the keeper has sent it all.
  [[nodiscard]] static Result<std::unique_ptr<KeeperLink>> open(asio::io_context& io, std::string run_dir);

  /// Begins to deliver exits; those that the journal holds already first.
  void listen(Handlers handlers);

  /// What an earlier supervisor stored under `key`; empty if nothing. The caller gets duplicates.
  [[nodiscard]] std::vector<sys::UniqueFd> stored(const std::string& key) const;
  [[nodiscard]] std::vector<std::string> stored_keys() const;

  /// Puts descriptors away under `key` (at most 8), replacing what was there.
  void store(const std::string& key, const std::vector<sys::FdRef>& fds);
  void drop(const std::string& key);
  /// Until the keeper has closed everything that it was told to drop. False where that was so already.
  asio::awaitable<bool> catch_up();

  /// The output of a container. `err` may be invalid (a terminal has one stream).
  struct Output {
    sys::FdRef directory, out, err;
    LogLimits limits;
  };
  /// Copies the streams into the log in that directory until they end. So will whoever is the keeper after this one.
  void pump(const std::string& id, const Output& output);
  /// The same, where an earlier supervisor has told this keeper already.
  void know_pump(const std::string& id, const Output& output);
  /// The container has ended, and all it wrote is in its log; or nobody wants it any more.
  void forget_pump(const std::string& id) { pumps_.erase(id); }
  /// Until what containers have written is in their logs.
  Work drain();

  /// Tells the keeper that nothing is left: it removes the socket and ends when this process has ended.
  void leave();

  /// True where the keeper is new and pumps nothing yet, so that those of live containers have to be set up again.
  [[nodiscard]] bool keeper_is_new() const { return generation_ == 0; }

  [[nodiscard]] sys::FdRef listener() const { return listener_.ref(); }

 private:
  KeeperLink(asio::io_context& io, std::string run_dir);
  struct Pump {
    LogLimits limits;
    std::vector<sys::UniqueFd> fds;
  };
  void send(const keeper::Message& message, const std::vector<sys::FdRef>& fds);
  void receive_stored(const keeper::Message& message, std::vector<sys::UniqueFd> fds);
  [[nodiscard]] Status receive_all_stored();
  void read_exits();
  void wait_for_keeper();
  [[noreturn]] void become_keeper();

  std::string run_dir_;
  asio::posix::stream_descriptor control_;
  sys::UniqueFd listener_, exits_;
  std::map<std::string, std::vector<sys::UniqueFd>> stored_;
  std::map<std::string, Pump> pumps_;
  Handlers handlers_;
  uint32_t generation_ = 0;
  bool leaving_ = false;
  uint64_t dropped_ = 0, closed_ = 0;  // keys: told to the keeper; known to be closed there
};

}  // namespace berth::supervise
