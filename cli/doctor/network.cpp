#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netlink.h>

#include <map>

#include "cli/doctor/scan.h"
#include "netns/links.h"
#include "netns/netlink.h"
#include "netns/nft_messages.h"
#include "netns/other_firewalls.h"

namespace berth::cli::doctor {
namespace {

std::string table_name(const Owners& owners) {
  return "berth_" + owners.paths().tag();
}

Status remove_table(const std::string& name) {
  BERTH_TRY(netns::NetlinkSocket socket, netns::NetlinkSocket::open(NETLINK_NETFILTER));
  netns::NetlinkBatch batch;
  netns::nft::begin_batch(batch);
  netns::nft::table_message(batch, NFT_MSG_DELTABLE, 0, {NFPROTO_INET, name, 0});
  netns::nft::end_batch(batch);
  Status removed = socket.run(batch);
  return removed || removed.error().code == ENOENT ? Status() : std::move(removed);
}

Status remove_rules(const std::string& comment) {
  BERTH_TRY(netns::NetlinkSocket socket, netns::NetlinkSocket::open(NETLINK_NETFILTER));
  return netns::close_ways_through(socket, comment);
}

/// The host's end of a container's interface.
void judge_endpoint(const Owners& owners, Thing& thing) {
  if (const engine::Container* container = owners.container_on(thing.name))
    return owners.judge_running(thing, container->record.id);
  // A step of a build borrows a place, which is on no record.
  thing.standing = owners.attended() ? Standing::uncertain : Standing::leftover;
  thing.why = owners.attended() ? "of no container; perhaps of a build's step" : "of no container";
}

}  // namespace

Things scan_links(const Owners& owners) {
  Result<std::vector<netns::ObservedLink>> links = netns::observe_links();
  if (!links) return {};
  Things ends, bridges;
  std::map<int, const netns::ObservedLink*> ours;  // by index
  for (const netns::ObservedLink& link : *links) {
    const engine::NetworkRecord* network = owners.network_with(link.name);
    if (network == nullptr && link.alias != table_name(owners)) continue;  // Docker's bridges have the same names
    ours[link.index] = &link;
    Thing thing{.kind = "interface", .name = link.name, .detail = link.kind};
    if (network != nullptr) {
      thing.owner = "network " + network->config.name;
    } else {
      thing.standing = Standing::leftover;
      thing.why = "no network on record has it";
    }
    thing.remove = [name = link.name] { return netns::remove_links({name}); };
    bridges.push_back(std::move(thing));
  }
  for (const netns::ObservedLink& link : *links) {
    if (link.kind != "veth" || !ours.contains(link.master)) continue;
    Thing thing{.kind = "interface", .name = link.name, .detail = "on " + ours[link.master]->name};
    judge_endpoint(owners, thing);
    thing.remove = [name = link.name] { return netns::remove_links({name}); };
    ends.push_back(std::move(thing));
  }
  ends.insert(ends.end(), std::make_move_iterator(bridges.begin()), std::make_move_iterator(bridges.end()));
  return ends;
}

Things scan_rules(const Owners& owners) {
  const std::string ours = table_name(owners);
  Result<netns::NetlinkSocket> socket = netns::NetlinkSocket::open(NETLINK_NETFILTER);
  if (!socket) return {};
  Result<std::vector<netns::nft::BaseChain>> chains = netns::nft::base_chains(*socket);
  if (!chains) return {};  // the kernel has no nftables
  Things things;
  bool table = false;
  for (const netns::nft::BaseChain& chain : *chains) {
    if (chain.table == ours) {
      table = true;
      continue;
    }
    if (chain.hook != NF_INET_FORWARD) continue;
    Result<std::vector<netns::nft::Rule>> rules =
        netns::nft::rules_of(*socket, {chain.family, chain.table, 0}, chain.name);
    if (!rules) continue;
    for (const netns::nft::Rule& rule : *rules) {
      if (rule.comment != ours) continue;
      things.push_back({.kind = "nftables rule", .name = chain.table + " " + chain.name, .detail = "comment " + ours});
      owners.judge_networks(things.back());
      things.back().remove = [ours] { return remove_rules(ours); };
    }
  }
  if (table) {
    things.push_back({.kind = "nftables table", .name = "inet " + ours, .detail = {}});
    owners.judge_networks(things.back());
    things.back().remove = [ours] { return remove_table(ours); };
  }
  return things;
}

}  // namespace berth::cli::doctor
