#include "netns/other_firewalls.h"

#include <fmt/format.h>

#include <linux/netfilter.h>

#include <algorithm>
#include <cerrno>

#include "base/text.h"
#include "netns/legacy_tables.h"
#include "netns/nft_messages.h"

namespace berth::netns {
namespace {

struct Way {
  uint8_t family;
  std::string_view table, chain;
  bool xtables;  // written and read by iptables-nft
};
constexpr Way kWays[] = {
    {NFPROTO_IPV4, "filter", "FORWARD", true},
    {NFPROTO_IPV6, "filter", "FORWARD", true},
    {NFPROTO_INET, "firewalld", "filter_FORWARD", false},
};
constexpr std::string_view kOurTables = "berth_";

const Way* way_of(const nft::BaseChain& chain) {
  const auto way = std::ranges::find_if(kWays, [&](const Way& one) {
    return one.family == chain.family && one.table == chain.table && one.chain == chain.name;
  });
  return way == std::end(kWays) ? nullptr : way;
}

const char* family_name(uint8_t family) {
  return family == NFPROTO_IPV4 ? "ip" : family == NFPROTO_IPV6 ? "ip6" : "inet";
}

bool filters_forwarding(const nft::BaseChain& chain) {
  const bool of_ip = chain.family == NFPROTO_IPV4 || chain.family == NFPROTO_IPV6 || chain.family == NFPROTO_INET;
  return of_ip && chain.hook == NF_INET_FORWARD && !chain.table.starts_with(kOurTables);
}

Status add_way(NetlinkSocket& socket, const Way& way, const std::string& comment) {
  const nft::Table table{way.family, std::string(way.table)};
  const auto attempt = [&](bool by_xtables) {
    NetlinkBatch batch;
    nft::begin_batch(batch);
    nft::add_rule(
        batch, table, std::string(way.chain),
        [&] {
          nft::require_mark(batch, kAcceptedMark, by_xtables);
          nft::verdict(batch, NF_ACCEPT);
        },
        nft::Place::first, comment);
    nft::end_batch(batch);
    return socket.run(batch);
  };
  if (way.xtables && attempt(true).ok()) return {};
  return attempt(false);  // no xt_mark in this kernel: versions of iptables-nft since 1.8.8 read this as well
}

Error obstacle(const nft::BaseChain& chain) {
  const char* family = family_name(chain.family);
  return make_error(
      fmt::format("the chain {} of the firewall's table {} {} drops what is forwarded, containers' packets too",
                  printable(chain.name), family, printable(chain.table)),
      fmt::format("nft insert rule {} {} {} meta mark and {:#x} == {:#x} accept", family, printable(chain.table),
                  printable(chain.name), kAcceptedMark, kAcceptedMark));
}

Error legacy_obstacle() {
  return make_error("the rules of iptables-legacy drop what is forwarded, containers' packets too",
                    fmt::format("iptables-legacy -I FORWARD -m mark --mark {0:#x}/{0:#x} -j ACCEPT", kAcceptedMark));
}

}  // namespace

bool has_way_through(uint8_t family, std::string_view table, std::string_view chain) {
  return std::ranges::any_of(kWays, [&](const Way& way) {
    return way.family == family && way.table == table && (chain.empty() || way.chain == chain);
  });
}

Result<std::vector<Error>> open_ways_through(NetlinkSocket& socket, const std::string& comment) {
  std::vector<Error> obstacles;
  BERTH_TRY(const std::vector<nft::BaseChain> chains, nft::base_chains(socket));
  for (const nft::BaseChain& chain : chains) {
    const Way* way = way_of(chain);
    if (!filters_forwarding(chain) || (way == nullptr && !chain.drops)) continue;
    BERTH_TRY(const std::vector<nft::Rule> rules, nft::rules_of(socket, {chain.family, chain.table}, chain.name));
    const bool open = std::ranges::any_of(rules, [&](const nft::Rule& rule) {
      return way == nullptr ? (rule.mark & kAcceptedMark) != 0 : rule.comment == comment;
    });
    if (open || (rules.empty() && !chain.drops)) continue;
    // A table may belong to its maker alone (newer firewalld).
    if (way == nullptr || !add_way(socket, *way, comment).ok()) obstacles.push_back(obstacle(chain));
  }
  if (legacy_tables_drop_forwarded(kAcceptedMark)) obstacles.push_back(legacy_obstacle());
  return obstacles;
}

Status close_ways_through(NetlinkSocket& socket, const std::string& comment) {
  BERTH_TRY(const std::vector<nft::BaseChain> chains, nft::base_chains(socket));
  for (const nft::BaseChain& chain : chains) {
    if (way_of(chain) == nullptr) continue;
    const nft::Table table{chain.family, chain.table};
    BERTH_TRY(const std::vector<nft::Rule> rules, nft::rules_of(socket, table, chain.name));
    for (const nft::Rule& rule : rules) {
      if (rule.comment != comment) continue;
      NetlinkBatch batch;
      nft::begin_batch(batch);
      nft::delete_rule(batch, table, chain.name, rule.handle);
      nft::end_batch(batch);
      Status deleted = socket.run(batch);
      // Whose chain it is may have been quicker.
      if (!deleted.ok() && deleted.error().code != ENOENT) return deleted;
    }
  }
  return {};
}

}  // namespace berth::netns
