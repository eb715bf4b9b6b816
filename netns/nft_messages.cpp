#include "netns/nft_messages.h"

#include <arpa/inet.h>
#include <endian.h>
#include <sys/socket.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/xt_mark.h>

#include <array>
#include <cstring>

namespace berth::netns::nft {
namespace {

void begin(NetlinkBatch& batch, int type, uint16_t flags, uint8_t family, uint16_t resource, const std::string& what) {
  batch.begin(static_cast<uint16_t>(type), flags, what);
  batch.fixed(nfgenmsg{.nfgen_family = family, .version = NFNETLINK_V0, .res_id = htons(resource)});
}

constexpr uint8_t kCommentTag = 0;  // in the userdata of a rule: tag, length, text with its zero

std::string comment_in(std::span<const uint8_t> userdata) {
  while (userdata.size() > 2 && userdata.size() - 2 >= userdata[1]) {
    const auto* text = reinterpret_cast<const char*>(userdata.data() + 2);
    if (userdata[0] == kCommentTag) return {text, strnlen(text, userdata[1])};
    userdata = userdata.subspan(size_t{2} + userdata[1]);
  }
  return "";
}

/// The mask of "meta mark & MASK", if that is among the expressions.
uint32_t mark_in(std::span<const uint8_t> expressions) {
  uint32_t mask = 0;
  bool of_mark = false;
  visit_attributes(expressions, [&](const NetlinkAttribute& element) {
    std::string name;
    visit_attributes(element.data, [&](const NetlinkAttribute& part) {
      if (part.type == NFTA_EXPR_NAME) name = part.text();
      if (part.type != NFTA_EXPR_DATA) return;
      visit_attributes(part.data, [&](const NetlinkAttribute& detail) {
        if (name == "meta" && detail.type == NFTA_META_KEY) of_mark = detail.u32() == htonl(NFT_META_MARK);
        if (name != "bitwise" || !of_mark || detail.type != NFTA_BITWISE_MASK) return;
        visit_attributes(detail.data, [&](const NetlinkAttribute& value) { mask |= value.u32(); });
      });
    });
  });
  return mask;
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

Result<std::vector<Rule>> rules_of(NetlinkSocket& socket, const Table& table, const std::string& chain) {
  NetlinkBatch request;
  begin(request, nf_type(NFT_MSG_GETRULE), NLM_F_DUMP, table.family, 0,
        fmt::format("list nftables rules of chain {} of {}", chain, table.name));
  request.text(NFTA_RULE_TABLE, table.name);
  request.text(NFTA_RULE_CHAIN, chain);
  std::vector<Rule> rules;
  BERTH_TRY_OK(socket.dump(request, [&](const nlmsghdr& message) {
    Rule& rule = rules.emplace_back();
    visit_attributes(attributes_of(message, sizeof(nfgenmsg)), [&](const NetlinkAttribute& attribute) {
      if (attribute.type == NFTA_RULE_HANDLE && attribute.data.size() == sizeof rule.handle) {
        std::memcpy(&rule.handle, attribute.data.data(), sizeof rule.handle);
        rule.handle = be64toh(rule.handle);
      }
      if (attribute.type == NFTA_RULE_USERDATA) rule.comment = comment_in(attribute.data);
      if (attribute.type == NFTA_RULE_EXPRESSIONS) rule.mark = mark_in(attribute.data);
    });
  }));
  return rules;
}

void add_rule(NetlinkBatch& batch, const Table& table, const std::string& chain,
              const std::function<void()>& expressions, Place place, const std::string& comment) {
  const auto position = static_cast<uint16_t>(place == Place::last ? NLM_F_APPEND : 0);
  begin(batch, nf_type(NFT_MSG_NEWRULE), NLM_F_CREATE | NLM_F_ACK | position, table.family, 0,
        fmt::format("nftables rule in chain {} of {}", chain, table.name));
  batch.text(NFTA_RULE_TABLE, table.name);
  batch.text(NFTA_RULE_CHAIN, chain);
  batch.flag_nested(NFTA_RULE_EXPRESSIONS, expressions);
  if (comment.empty()) return;
  std::string userdata{static_cast<char>(kCommentTag), static_cast<char>(comment.size() + 1)};
  userdata.append(comment.c_str(), comment.size() + 1);
  batch.attribute(NFTA_RULE_USERDATA, userdata.data(), userdata.size());
}

void delete_rule(NetlinkBatch& batch, const Table& table, const std::string& chain, uint64_t handle) {
  begin(batch, nf_type(NFT_MSG_DELRULE), NLM_F_ACK, table.family, 0,
        fmt::format("delete nftables rule in chain {} of {}", chain, table.name));
  batch.text(NFTA_RULE_TABLE, table.name);
  batch.text(NFTA_RULE_CHAIN, chain);
  const uint64_t net = htobe64(handle);
  batch.attribute(NFTA_RULE_HANDLE, &net, sizeof net);
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

void require_mark(NetlinkBatch& batch, uint32_t bit, bool by_xtables) {
  if (by_xtables) {
    expression(batch, "match", [&] {
      struct alignas(8) Info {
        xt_mark_mtinfo1 match;
      };
      Info info{};
      info.match.mark = info.match.mask = bit;
      batch.text(NFTA_MATCH_NAME, "mark");
      batch.be32(NFTA_MATCH_REV, 1);
      batch.attribute(NFTA_MATCH_INFO, &info, sizeof info);
    });
    return;
  }
  const uint32_t zero = 0;
  expression(batch, "meta", [&] {
    batch.be32(NFTA_META_DREG, NFT_REG_1);
    batch.be32(NFTA_META_KEY, NFT_META_MARK);
  });
  expression(batch, "bitwise", [&] {
    batch.be32(NFTA_BITWISE_SREG, NFT_REG_1);
    batch.be32(NFTA_BITWISE_DREG, NFT_REG_1);
    batch.be32(NFTA_BITWISE_LEN, sizeof bit);
    batch.flag_nested(NFTA_BITWISE_MASK, [&] { batch.u32(NFTA_DATA_VALUE, bit); });
    batch.flag_nested(NFTA_BITWISE_XOR, [&] { batch.u32(NFTA_DATA_VALUE, zero); });
  });
  compare(batch, NFT_CMP_EQ, &bit, sizeof bit);
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
