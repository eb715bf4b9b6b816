#include "netns/outbound.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <future>
#include <thread>

#include "base/text.h"
#include "netns/dns_server.h"
#include "netns/ipam.h"
#include "netns/links.h"
#include "netns/nft_messages.h"
#include "netns/sysctl.h"
#include "sys/file.h"

namespace berth::netns {
namespace {

// How this works: a /24 block that the host does not use; .1 is the host on every link, the others are given one after
// the other. In the words of nft(8):
//
//   table ip berth_build_ID {
//     flags owner
//     chain postrouting {
//       type nat hook postrouting priority srcnat
//       ip saddr BLOCK ip daddr != BLOCK masquerade
//     }
//     chain forward {
//       type filter hook forward priority filter
//       ip daddr BLOCK ct state established,related accept
//       ip daddr BLOCK drop
//     }
//   }
//
// There is no bridge, so nothing of it depends on bridge-nf-call-iptables.

constexpr int kPrefix = 24;
constexpr size_t kBlockBytes = kPrefix / 8;  // of an address that are the block's

Result<Subnet> choose_block() {
  BERTH_TRY(const std::vector<Occupied> occupied, observe_host_prefixes());
  // Not where networks of projects come from first: `up` may be choosing at this moment.
  std::vector<Pool> pools = {Pool{*Subnet::parse("172.30.0.0/16")}};
  std::ranges::copy(default_pools(), std::back_inserter(pools));
  for (Pool& pool : pools) pool.size = kPrefix;
  BERTH_TRY(const AddressBlock plan, plan_addresses({}, pools, occupied));
  return plan.subnet;
}

void add_rules(NetlinkBatch& batch, const nft::Table& table, Subnet block) {
  const auto address_in_block = [&](uint32_t which, uint32_t op) {
    nft::load_payload(batch, NFT_PAYLOAD_NETWORK_HEADER, which, kBlockBytes);
    nft::compare(batch, op, block.base.bytes.data(), kBlockBytes);
  };
  nft::table_message(batch, NFT_MSG_NEWTABLE, NLM_F_CREATE, table);
  nft::add_chain(batch, table, "postrouting", {"nat", NF_INET_POST_ROUTING, 100});
  nft::add_rule(batch, table, "postrouting", [&] {
    address_in_block(nft::kSource, NFT_CMP_EQ);
    address_in_block(nft::kDestination, NFT_CMP_NEQ);
    nft::expression(batch, "masq", [] {});
  });
  nft::add_chain(batch, table, "forward", {"filter", NF_INET_FORWARD, 0});
  nft::add_rule(batch, table, "forward", [&] {
    address_in_block(nft::kDestination, NFT_CMP_EQ);
    nft::require_established(batch);
    nft::verdict(batch, NF_ACCEPT);
  });
  nft::add_rule(batch, table, "forward", [&] {
    address_in_block(nft::kDestination, NFT_CMP_EQ);
    nft::verdict(batch, NF_DROP);
  });
}

/// A rule of ours that accepts ends our own chain only: what another table drops is dropped.
Status check_forwarding(NetlinkSocket& socket) {
  BERTH_TRY(const std::vector<nft::BaseChain> chains, nft::base_chains(socket));
  for (const nft::BaseChain& chain : chains) {
    const bool ours = chain.family == NFPROTO_IPV4 || chain.family == NFPROTO_INET;
    if (ours && chain.hook == NF_INET_FORWARD && chain.drops) {
      return make_error(fmt::format("the chain {} of the firewall's table {} drops what is forwarded",
                                    printable(chain.name), printable(chain.table)));
    }
  }
  return {};
}

/// That of the interface with the default route, where it is smaller than usual (tunnels, some clouds); else 0.
int mtu_to_the_outside() {
  for (const std::string& line : split(sys::read_file("/proc/thread-self/net/route", 1 << 20).value_or(""), '\n')) {
    const std::vector<std::string> fields = split(line, '\t');
    constexpr size_t kMask = 7;
    if (fields.size() <= kMask || fields[1] != "00000000" || fields[kMask] != "00000000") continue;
    ifreq request{};
    fields[0].copy(request.ifr_name, IFNAMSIZ - 1);
    const sys::UniqueFd any(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    constexpr int kUsual = 1500;
    if (ioctl(any.get(), SIOCGIFMTU, &request) == 0 && request.ifr_mtu < kUsual) return request.ifr_mtu;
  }
  return 0;
}

}  // namespace

struct OutboundNetwork::Impl {
  Impl(NetlinkSocket socket, Subnet subnet) : rules(std::move(socket)), block(subnet) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);  // signals are for the program's own threads
    thread = std::thread([this] { io.run(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  ~Impl() {
    io.stop();
    thread.join();
  }

  /// On the thread of the DNS server, which is the only one that may call it.
  void call(const std::function<void()>& work) {
    std::promise<void> done;
    boost::asio::post(io, [&] {
      work();
      done.set_value();
    });
    done.get_future().wait();
  }

  NetlinkSocket rules;  // the table goes with it
  Subnet block;
  int mtu = mtu_to_the_outside();
  std::atomic<uint32_t> given{0};
  boost::asio::io_context io{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> busy{io.get_executor()};
  Zone zone;
  DnsServer dns{io, zone};
  std::thread thread;
};

OutboundNetwork::OutboundNetwork(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
OutboundNetwork::OutboundNetwork(OutboundNetwork&&) noexcept = default;
OutboundNetwork& OutboundNetwork::operator=(OutboundNetwork&&) noexcept = default;
OutboundNetwork::~OutboundNetwork() = default;

Result<OutboundNetwork> OutboundNetwork::open() {
  BERTH_TRY(const Subnet block, choose_block());
  BERTH_TRY(NetlinkSocket socket, NetlinkSocket::open(NETLINK_NETFILTER));
  BERTH_TRY_OK(check_forwarding(socket));
  BERTH_TRY_OK(enable_ipv4_forwarding());
  NetlinkBatch batch;
  nft::begin_batch(batch);
  add_rules(batch, {NFPROTO_IPV4, "berth_build_" + sys::random_hex(4), NFT_TABLE_F_OWNER}, block);
  nft::end_batch(batch);
  BERTH_TRY_OK(socket.run(batch));
  return OutboundNetwork(std::make_shared<Impl>(std::move(socket), block));
}

Address OutboundNetwork::host_address() const {
  return impl_->block.at(1);
}

Result<OutboundLink> OutboundNetwork::connect() {
  constexpr uint32_t kFirst = 2, kCount = 253;
  EndpointSpec endpoint;
  endpoint.container_id = sys::random_hex(16);
  endpoint.network_id = "build";
  endpoint.gateways = {host_address()};
  endpoint.mtu = impl_->mtu;
  Result<Sandbox> sandbox = make_error("");
  for (uint32_t tries = 0; tries < kCount; ++tries) {
    endpoint.addresses = {{impl_->block.at(kFirst + impl_->given++ % kCount), impl_->block.prefix}};
    sandbox = create_sandbox({.endpoints = {endpoint}});
    // Another program may have chosen the same block at the same moment.
    if (sandbox.ok() || sandbox.error().code != EEXIST) break;
  }
  if (!sandbox.ok()) return std::move(sandbox).error();
  const std::string& key = endpoint.container_id;
  Status listening;
  impl_->call(
      [&] { listening = impl_->dns.add_listener(key, std::move(sandbox->dns_udp), std::move(sandbox->dns_tcp), {}); });
  BERTH_TRY_OK(std::move(listening));
  std::shared_ptr<void> names(nullptr,
                              [impl = impl_, key](void*) { impl->call([&] { impl->dns.remove_listener(key); }); });
  return OutboundLink{std::move(sandbox->netns), std::move(names)};
}

}  // namespace berth::netns
