#pragma once

#include <string>

#include "base/result.h"
#include "netns/netlink.h"

namespace berth::netns {

/// Tells what anybody changes in the nftables rules of a network namespace.
class RulesetWatch {
 public:
  /// In the namespace of the calling thread. `table`: ours, of the family inet.
  [[nodiscard]] static Result<RulesetWatch> open(std::string table);

  /// Readable when read() has something to tell.
  [[nodiscard]] sys::FdRef fd() const { return socket_.fd(); }

  struct Changes {
    size_t of_table = 0;   // transactions that touched our table
    bool of_ways = false;  // a base chain of the forward hook came, or rules of a chain that we have a rule in changed
    bool lost = false;     // there was more, which nobody will tell
  };
  /// What has happened since the last call; never waits.
  [[nodiscard]] Changes read();

 private:
  RulesetWatch(NetlinkSocket socket, std::string table) : socket_(std::move(socket)), table_(std::move(table)) {}
  NetlinkSocket socket_;
  std::string table_;
  bool touched_ = false;  // by the transaction whose end has not come yet
};

}  // namespace berth::netns
