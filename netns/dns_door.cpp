#include "netns/dns_door.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>

#include <cerrno>

#include "netns/netlink.h"
#include "netns/nft_messages.h"

namespace berth::netns {
namespace {

// How this works: one batch of nf_tables messages that is always the same but for two port numbers. In the words of
// nft(8):
//
//   table ip berth_dns {
//     chain output {
//       type nat hook output priority -100
//       ip daddr 127.0.0.11 udp dport 53 dnat to :UDP_PORT
//       ip daddr 127.0.0.11 tcp dport 53 dnat to :TCP_PORT
//     }
//   }
//
// Answers need no rule: connection tracking translates them back. The table goes with the namespace.

constexpr const char* kTable = "berth_dns";
constexpr const char* kChain = "output";
constexpr uint32_t kDnsAddress = 0x7f00000b;  // 127.0.0.11
constexpr uint16_t kDnsPort = 53;
constexpr int kTcpBacklog = 128;

/// `replace`: a table of the same name goes first; it is added before that, so that there is one to delete.
void add_chain(NetlinkBatch& batch, bool replace) {
  const nft::Table table{NFPROTO_IPV4, kTable};
  nft::table_message(batch, NFT_MSG_NEWTABLE, NLM_F_CREATE, table);
  if (replace) {
    nft::table_message(batch, NFT_MSG_DELTABLE, 0, table);
    nft::table_message(batch, NFT_MSG_NEWTABLE, NLM_F_CREATE, table);
  }
  nft::add_chain(batch, table, kChain, {"nat", NF_INET_LOCAL_OUT, -100});
}

void translate_port(NetlinkBatch& batch, uint16_t port) {
  const uint16_t net_port = htons(port);
  nft::expression(batch, "immediate", [&] {
    batch.be32(NFTA_IMMEDIATE_DREG, NFT_REG_1);
    batch.flag_nested(NFTA_IMMEDIATE_DATA, [&] { batch.attribute(NFTA_DATA_VALUE, &net_port, sizeof net_port); });
  });
  nft::expression(batch, "nat", [&] {
    batch.be32(NFTA_NAT_TYPE, NFT_NAT_DNAT);
    batch.be32(NFTA_NAT_FAMILY, NFPROTO_IPV4);
    batch.be32(NFTA_NAT_REG_PROTO_MIN, NFT_REG_1);
  });
}

void add_rule(NetlinkBatch& batch, uint8_t protocol, uint16_t port) {
  nft::add_rule(batch, {NFPROTO_IPV4, kTable}, kChain, [&] {
    const uint32_t address = htonl(kDnsAddress);
    const uint16_t dns_port = htons(kDnsPort);
    nft::load_payload(batch, NFT_PAYLOAD_NETWORK_HEADER, nft::kDestination, sizeof address);
    nft::compare(batch, NFT_CMP_EQ, &address, sizeof address);
    nft::expression(batch, "meta", [&] {
      batch.be32(NFTA_META_DREG, NFT_REG_1);
      batch.be32(NFTA_META_KEY, NFT_META_L4PROTO);
    });
    nft::compare(batch, NFT_CMP_EQ, &protocol, sizeof protocol);
    nft::load_payload(batch, NFT_PAYLOAD_TRANSPORT_HEADER, 2, sizeof dns_port);  // dport
    nft::compare(batch, NFT_CMP_EQ, &dns_port, sizeof dns_port);
    translate_port(batch, port);
  });
}

Status add_translation(uint16_t udp_port, uint16_t tcp_port, bool replace) {
  BERTH_TRY(NetlinkSocket socket, NetlinkSocket::open(NETLINK_NETFILTER));
  NetlinkBatch batch;
  nft::begin_batch(batch);
  add_chain(batch, replace);
  add_rule(batch, IPPROTO_UDP, udp_port);
  add_rule(batch, IPPROTO_TCP, tcp_port);
  nft::end_batch(batch);
  return socket.run(batch);
}

Result<sys::UniqueFd> bound_socket(int type, uint16_t port) {
  sys::UniqueFd fd(socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return sys_error("open DNS socket", errno);
  sockaddr_in address{.sin_family = AF_INET, .sin_port = htons(port)};
  address.sin_addr.s_addr = htonl(kDnsAddress);
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return sys_error(fmt::format("bind DNS socket to 127.0.0.11:{}", port), errno);
  }
  if (type == SOCK_STREAM && listen(fd.get(), kTcpBacklog) != 0) return sys_error("listen on DNS socket", errno);
  return fd;
}

Result<uint16_t> local_port(sys::FdRef fd) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  if (getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return sys_error("read port of DNS socket", errno);
  }
  return ntohs(address.sin_port);
}

Result<DnsSockets> open_sockets(uint16_t port, DnsDoor door) {
  DnsSockets sockets{.door = door};
  BERTH_TRY(sockets.udp, bound_socket(SOCK_DGRAM, port));
  BERTH_TRY(sockets.tcp, bound_socket(SOCK_STREAM, port));
  return sockets;
}

Result<DnsSockets> open_door(bool replace) {
  BERTH_TRY(DnsSockets sockets, open_sockets(0, DnsDoor::nat));
  BERTH_TRY(const uint16_t udp_port, local_port(sockets.udp.ref()));
  BERTH_TRY(const uint16_t tcp_port, local_port(sockets.tcp.ref()));
  if (add_translation(udp_port, tcp_port, replace).ok()) return sockets;
  // No nf_tables NAT in this kernel: names matter more than a container's own server on port 53.
  return open_sockets(kDnsPort, DnsDoor::direct);
}

}  // namespace

Result<DnsSockets> open_dns_door() {
  return open_door(false);
}

Result<DnsSockets> reopen_dns_door(const sys::Netns& netns) {
  DnsSockets sockets;
  BERTH_TRY_OK(netns.run([&]() -> Status {
    BERTH_TRY(sockets, open_door(true));
    return {};
  }));
  return sockets;
}

}  // namespace berth::netns
