#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "netns/netlink.h"

/// nf_tables in its own messages, for the few rules that are always the same: no library has to be loaded for them, and
/// the socket is ours. The rest goes through NftLibrary.
namespace berth::netns::nft {

/// All that lies between is carried out as a whole or not at all.
void begin_batch(NetlinkBatch& batch);
void end_batch(NetlinkBatch& batch);

struct Table {
  uint8_t family = 0;  // NFPROTO_IPV4
  std::string name;
  uint32_t flags = 0;  // NFT_TABLE_F_OWNER: goes with the socket that made it, and nobody else changes it
};
/// `message`: NFT_MSG_NEWTABLE, NFT_MSG_DELTABLE.
void table_message(NetlinkBatch& batch, int message, uint16_t flags, const Table& table);

/// Where a chain hooks in.
struct Hook {
  const char* type;  // "nat", "filter"
  uint32_t number;   // NF_INET_FORWARD
  int priority;
};
void add_chain(NetlinkBatch& batch, const Table& table, const std::string& chain, const Hook& hook);

/// A chain of any table that the kernel calls by itself.
struct BaseChain {
  uint8_t family = 0;
  std::string table, name;
  uint32_t hook = 0;
  bool drops = false;  // what none of its rules decides on
};
/// All of them. `socket` is a netfilter socket.
[[nodiscard]] Result<std::vector<BaseChain>> base_chains(NetlinkSocket& socket);

/// A rule as far as it concerns us.
struct Rule {
  uint64_t handle = 0;
  std::string comment;
  uint32_t mark = 0;  // the bits of the packet's mark that it looks at, if it was made by nft(8)
};
[[nodiscard]] Result<std::vector<Rule>> rules_of(NetlinkSocket& socket, const Table& table, const std::string& chain);

enum class Place { first, last };
/// `expressions` adds what the rule is made of: the functions below. `comment`: as nft(8) and iptables-nft show it.
void add_rule(NetlinkBatch& batch, const Table& table, const std::string& chain,
              const std::function<void()>& expressions, Place place = Place::last, const std::string& comment = "");
void delete_rule(NetlinkBatch& batch, const Table& table, const std::string& chain, uint64_t handle);

void expression(NetlinkBatch& batch, const char* name, const std::function<void()>& data);
// Offsets into the header of IPv4.
constexpr uint32_t kSource = 12, kDestination = 16;
/// Part of the packet into the register; `base`: NFT_PAYLOAD_NETWORK_HEADER.
void load_payload(NetlinkBatch& batch, uint32_t base, uint32_t offset, uint32_t length);
/// The register with these bytes; `op`: NFT_CMP_EQ, NFT_CMP_NEQ. The rule ends where that is not so.
void compare(NetlinkBatch& batch, uint32_t op, const void* value, size_t size);
/// Only packets with this bit in their mark. `by_xtables`: in the expression that iptables-nft writes and every version
/// of it can read; it needs the kernel's module xt_mark.
void require_mark(NetlinkBatch& batch, uint32_t bit, bool by_xtables);
/// Only packets of connections that are known already.
void require_established(NetlinkBatch& batch);
/// `code`: NF_ACCEPT, NF_DROP.
void verdict(NetlinkBatch& batch, uint32_t code);

}  // namespace berth::netns::nft
