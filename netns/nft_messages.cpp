#include "netns/nft_messages.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

namespace berth::netns::nft {
namespace {

void begin(NetlinkBatch& batch, int type, uint16_t flags, uint8_t family, uint16_t resource, const std::string& what) {
  batch.begin(static_cast<uint16_t>(type), flags, what);
  batch.fixed(nfgenmsg{.nfgen_family = family, .version = NFNETLINK_V0, .res_id = htons(resource)});
}

constexpr int nf_type(int message) {
  return NFNL_SUBSYS_NFTABLES << 8 | message;
}

}  // namespace

void begin_batch(NetlinkBatch& batch) {
  begin(batch, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES, "change nftables rules");
}

void end_batch(NetlinkBatch& batch) {
  begin(batch, NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES, "change nftables rules");
}

void table_message(NetlinkBatch& batch, int message, uint16_t flags, const Table& table) {
  begin(batch, nf_type(message), flags, table.family, 0, "nftables table " + table.name);
  batch.text(NFTA_TABLE_NAME, table.name);
  if (table.flags != 0) batch.be32(NFTA_TABLE_FLAGS, table.flags);
}

void add_chain(NetlinkBatch& batch, const Table& table, const std::string& chain, const Hook& hook) {
  begin(batch, nf_type(NFT_MSG_NEWCHAIN), NLM_F_CREATE, table.family, 0,
        fmt::format("nftables chain {} of {}", chain, table.name));
  batch.text(NFTA_CHAIN_TABLE, table.name);
  batch.text(NFTA_CHAIN_NAME, chain);
  batch.flag_nested(NFTA_CHAIN_HOOK, [&] {
    batch.be32(NFTA_HOOK_HOOKNUM, hook.number);
    batch.be32(NFTA_HOOK_PRIORITY, static_cast<uint32_t>(hook.priority));
  });
  batch.text(NFTA_CHAIN_TYPE, hook.type);
}

Result<std::vector<BaseChain>> base_chains(NetlinkSocket& socket) {
  NetlinkBatch request;
  begin(request, nf_type(NFT_MSG_GETCHAIN), NLM_F_DUMP, AF_UNSPEC, 0, "list nftables chains");
  std::vector<BaseChain> chains;
  BERTH_TRY_OK(socket.dump(request, [&](const nlmsghdr& message) {
    BaseChain chain;
    bool is_base = false;
    chain.family = static_cast<const nfgenmsg*>(NLMSG_DATA(&message))->nfgen_family;
    visit_attributes(attributes_of(message, sizeof(nfgenmsg)), [&](const NetlinkAttribute& attribute) {
      if (attribute.type == NFTA_CHAIN_TABLE) chain.table = attribute.text();
      if (attribute.type == NFTA_CHAIN_NAME) chain.name = attribute.text();
      if (attribute.type == NFTA_CHAIN_POLICY) chain.drops = attribute.u32() == htonl(NF_DROP);
      if (attribute.type != NFTA_CHAIN_HOOK) return;
      is_base = true;
      visit_attributes(attribute.data, [&](const NetlinkAttribute& detail) {
        if (detail.type == NFTA_HOOK_HOOKNUM) chain.hook = ntohl(detail.u32());
      });
    });
    if (is_base) chains.push_back(std::move(chain));
  }));
  return chains;
}

void add_rule(NetlinkBatch& batch, const Table& table, const std::string& chain,
              const std::function<void()>& expressions) {
  begin(batch, nf_type(NFT_MSG_NEWRULE), NLM_F_CREATE | NLM_F_APPEND | NLM_F_ACK, table.family, 0,
        fmt::format("nftables rule in chain {} of {}", chain, table.name));
  batch.text(NFTA_RULE_TABLE, table.name);
  batch.text(NFTA_RULE_CHAIN, chain);
  batch.flag_nested(NFTA_RULE_EXPRESSIONS, expressions);
}

void expression(NetlinkBatch& batch, const char* name, const std::function<void()>& data) {
  batch.flag_nested(NFTA_LIST_ELEM, [&] {
    batch.text(NFTA_EXPR_NAME, name);
    batch.flag_nested(NFTA_EXPR_DATA, data);
  });
}

void load_payload(NetlinkBatch& batch, uint32_t base, uint32_t offset, uint32_t length) {
  expression(batch, "payload", [&] {
    batch.be32(NFTA_PAYLOAD_DREG, NFT_REG_1);
    batch.be32(NFTA_PAYLOAD_BASE, base);
    batch.be32(NFTA_PAYLOAD_OFFSET, offset);
    batch.be32(NFTA_PAYLOAD_LEN, length);
  });
}

void compare(NetlinkBatch& batch, uint32_t op, const void* value, size_t size) {
  expression(batch, "cmp", [&] {
    batch.be32(NFTA_CMP_SREG, NFT_REG_1);
    batch.be32(NFTA_CMP_OP, op);
    batch.flag_nested(NFTA_CMP_DATA, [&] { batch.attribute(NFTA_DATA_VALUE, value, size); });
  });
}

void require_established(NetlinkBatch& batch) {
  // In the order of the host's bytes, as the kernel keeps the state.
  const uint32_t known = NF_CT_STATE_BIT(IP_CT_ESTABLISHED) | NF_CT_STATE_BIT(IP_CT_RELATED), zero = 0;
  expression(batch, "ct", [&] {
    batch.be32(NFTA_CT_DREG, NFT_REG_1);
    batch.be32(NFTA_CT_KEY, NFT_CT_STATE);
  });
  expression(batch, "bitwise", [&] {
    batch.be32(NFTA_BITWISE_SREG, NFT_REG_1);
    batch.be32(NFTA_BITWISE_DREG, NFT_REG_1);
    batch.be32(NFTA_BITWISE_LEN, sizeof known);
    batch.flag_nested(NFTA_BITWISE_MASK, [&] { batch.u32(NFTA_DATA_VALUE, known); });
    batch.flag_nested(NFTA_BITWISE_XOR, [&] { batch.u32(NFTA_DATA_VALUE, zero); });
  });
  compare(batch, NFT_CMP_NEQ, &zero, sizeof zero);
}

void verdict(NetlinkBatch& batch, uint32_t code) {
  expression(batch, "immediate", [&] {
    batch.be32(NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
    batch.flag_nested(NFTA_IMMEDIATE_DATA,
                      [&] { batch.flag_nested(NFTA_DATA_VERDICT, [&] { batch.be32(NFTA_VERDICT_CODE, code); }); });
  });
}

}  // namespace berth::netns::nft
