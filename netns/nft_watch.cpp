#include "netns/nft_watch.h"

#include <arpa/inet.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "netns/other_firewalls.h"

namespace berth::netns {
namespace {

/// What a message is about. The attribute of the table has the same number in messages of all kinds.
struct Subject {
  int kind = 0;
  uint8_t family = 0;
  std::string_view table, chain;
  bool forward_hook = false;
};

Subject subject_of(const nlmsghdr& message) {
  Subject subject;
  subject.kind = message.nlmsg_type & 0xff;
  if (message.nlmsg_len < NLMSG_LENGTH(sizeof(nfgenmsg))) return subject;
  subject.family = static_cast<const nfgenmsg*>(NLMSG_DATA(&message))->nfgen_family;
  const bool of_rule = subject.kind == NFT_MSG_NEWRULE || subject.kind == NFT_MSG_DELRULE;
  const bool of_chain = subject.kind == NFT_MSG_NEWCHAIN || subject.kind == NFT_MSG_DELCHAIN;
  visit_attributes(attributes_of(message, sizeof(nfgenmsg)), [&](const NetlinkAttribute& attribute) {
    if (attribute.type == NFTA_TABLE_NAME) subject.table = attribute.text();
    if (of_rule && attribute.type == NFTA_RULE_CHAIN) subject.chain = attribute.text();
    if (of_chain && attribute.type == NFTA_CHAIN_NAME) subject.chain = attribute.text();
    if (!of_chain || attribute.type != NFTA_CHAIN_HOOK) return;
    visit_attributes(attribute.data, [&](const NetlinkAttribute& detail) {
      if (detail.type == NFTA_HOOK_HOOKNUM) subject.forward_hook = detail.u32() == htonl(NF_INET_FORWARD);
    });
  });
  return subject;
}

}  // namespace

Result<RulesetWatch> RulesetWatch::open(std::string table) {
  BERTH_TRY(NetlinkSocket socket, NetlinkSocket::open(NETLINK_NETFILTER));
  BERTH_TRY_OK(socket.subscribe(NFNLGRP_NFTABLES));
  return RulesetWatch(std::move(socket), std::move(table));
}

RulesetWatch::Changes RulesetWatch::read() {
  Changes changes;
  changes.lost = !socket_.read_events([&](const nlmsghdr& message) {
    if (message.nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES) return;
    const Subject subject = subject_of(message);
    if (subject.kind == NFT_MSG_NEWGEN) {  // the end of a transaction
      changes.of_table += touched_ ? 1 : 0;
      touched_ = false;
      return;
    }
    if (subject.family == NFPROTO_INET && subject.table == table_) {
      touched_ = true;
    } else if (subject.forward_hook || has_way_through(subject.family, subject.table, subject.chain)) {
      changes.of_ways = true;
    }
  });
  return changes;
}

}  // namespace berth::netns
