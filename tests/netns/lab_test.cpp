#include "lab.h"

#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <thread>

#include "netns/link_address.h"
#include "netns/link_state.h"
#include "netns/netlink.h"
#include "netns/nft_library.h"

using berth::Status;
using berth::sys::UniqueFd;

namespace lab {
namespace {

using berth::netns::NetlinkBatch;
using berth::netns::NetlinkSocket;

void link_up(NetlinkBatch& batch, unsigned index) {
  batch.begin(RTM_SETLINK, 0, "up");
  batch.fixed(ifinfomsg{.ifi_index = static_cast<int>(index), .ifi_flags = IFF_UP, .ifi_change = IFF_UP});
}

Status address_up(const char* interface, const Address& address) {
  const unsigned index = if_nametoindex(interface);
  BERTH_TRY(auto socket, NetlinkSocket::open(NETLINK_ROUTE));
  NetlinkBatch batch;
  link_up(batch, index);
  berth::netns::add_address(batch, {address, address.v6 ? 64 : 24}, interface, index);
  return socket.run(batch);
}

struct Target {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

Target target(const std::string& text, uint16_t port) {
  const auto address = Address::parse(text);
  REQUIRE(address);
  Target out;
  if (address->v6) {
    sockaddr_in6 v6{.sin6_family = AF_INET6, .sin6_port = htons(port)};
    std::memcpy(&v6.sin6_addr, address->bytes.data(), 16);
    std::memcpy(&out.storage, &v6, out.size = sizeof v6);
  } else {
    sockaddr_in v4{.sin_family = AF_INET, .sin_port = htons(port)};
    std::memcpy(&v4.sin_addr, address->bytes.data(), 4);
    std::memcpy(&out.storage, &v4, out.size = sizeof v4);
  }
  return out;
}

std::string read_some(int fd, int timeout_ms) {
  pollfd wait{fd, POLLIN, 0};
  if (poll(&wait, 1, timeout_ms) <= 0) return "";
  std::string buffer(65536, '\0');
  const ssize_t size = recv(fd, buffer.data(), buffer.size(), 0);
  buffer.resize(size > 0 ? static_cast<size_t>(size) : 0);
  return buffer;
}

/// Connects (non-blocking, a second at most); invalid if nobody is there.
UniqueFd connect_tcp(const std::string& address, uint16_t port) {
  const Target to = target(address, port);
  UniqueFd fd(socket(to.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&to.storage), to.size) != 0 && errno != EINPROGRESS)
    return {};
  pollfd wait{fd.get(), POLLOUT, 0};
  int error = ETIMEDOUT;
  socklen_t size = sizeof error;
  if (poll(&wait, 1, 1000) > 0) getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  return error == 0 ? std::move(fd) : UniqueFd();
}

std::string peer_text(const sockaddr_storage& peer) {
  sockaddr_in6 v6{};
  std::memcpy(&v6, &peer, sizeof v6);
  Address address{.v6 = true};
  std::memcpy(address.bytes.data(), &v6.sin6_addr, 16);
  const std::string text = address.str(), mapped = "::ffff:";
  return text.starts_with(mapped) && text.find('.') != std::string::npos ? text.substr(mapped.size()) : text;
}

}  // namespace

bool can_run() {
  if (geteuid() == 0) return true;
  WARN("SKIPPED: needs root");
  return false;
}

Netns make_host() {
  auto host = Netns::create();
  REQUIRE(host.ok());
  in(*host, [] {
    auto socket = NetlinkSocket::open(NETLINK_ROUTE);
    NetlinkBatch batch;
    link_up(batch, 1);
    return socket->run(batch);
  });
  return std::move(*host);
}

void in(const Netns& where, const std::function<Status()>& work) {
  const Status status = where.run(work);
  INFO((status.ok() ? "" : status.error().full()));
  REQUIRE(status.ok());
}

void connect(const Netns& a, const Address& here, const Netns& b, const Address& there) {
  in(a, [&]() -> Status {
    BERTH_TRY(auto socket, NetlinkSocket::open(NETLINK_ROUTE));
    NetlinkBatch batch;
    batch.begin(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, "cable");
    batch.fixed(ifinfomsg{});
    batch.text(IFLA_IFNAME, "eth0");
    batch.nested(IFLA_LINKINFO, [&] {
      batch.text(IFLA_INFO_KIND, "veth");
      batch.nested(IFLA_INFO_DATA, [&] {
        batch.nested_after(VETH_INFO_PEER, ifinfomsg{}, [&] {
          batch.text(IFLA_IFNAME, "eth0");
          batch.u32(IFLA_NET_NS_FD, static_cast<uint32_t>(b.fd().get()));
        });
      });
    });
    BERTH_TRY_OK(socket.run(batch));
    return address_up("eth0", here);
  });
  in(b, [&] { return address_up("eth0", there); });
  for (const Netns* side : {&a, &b}) {
    in(*side, []() -> Status {
      BERTH_TRY(auto socket, NetlinkSocket::open(NETLINK_ROUTE));
      return berth::netns::wait_until_sending(socket, "eth0");
    });
  }
}

void add_address(const Netns& where, const Address& address) {
  in(where, [&] { return address_up("eth0", address); });
}

void add_route(const Netns& where, const Address& gateway) {
  in(where, [&]() -> Status {
    BERTH_TRY(auto socket, NetlinkSocket::open(NETLINK_ROUTE));
    NetlinkBatch batch;
    batch.begin(RTM_NEWROUTE, NLM_F_CREATE, "default route");
    batch.fixed(rtmsg{.rtm_family = berth::netns::family_of(gateway),
                      .rtm_table = RT_TABLE_MAIN,
                      .rtm_protocol = RTPROT_BOOT,
                      .rtm_type = RTN_UNICAST});
    batch.address(RTA_GATEWAY, gateway);
    return socket.run(batch);
  });
}

Address ip(const char* text) {
  return Address::parse(text).value();
}

NetworkSpec network(const char* name, const char* subnet, const char* subnet6) {
  NetworkSpec spec;
  const auto block = berth::netns::Subnet::parse(subnet).value();
  const auto bits = static_cast<uint32_t>(block.base.bits());
  spec.id = fmt::format("{:08x}{:08x}", bits, bits);
  spec.name = name;
  spec.bridge = berth::netns::bridge_name(spec.id);
  spec.blocks.push_back({block, block.at(1), {}, {}});
  if (subnet6 == nullptr) return spec;
  const auto block6 = berth::netns::Subnet::parse(subnet6).value();
  spec.blocks.push_back({block6, block6.at(1), {}, {}});
  return spec;
}

berth::netns::SandboxSpec sandbox(const NetworkSpec& network, const char* address) {
  berth::netns::EndpointSpec endpoint;
  endpoint.container_id = std::string("c0ffee") + address;
  endpoint.network_id = network.id;
  endpoint.bridge = network.bridge;
  const auto offset = ip(address).bits() - network.blocks.front().subnet.base.bits();
  for (const berth::netns::AddressBlock& block : network.blocks) {
    endpoint.addresses.push_back({block.subnet.at(offset), block.subnet.prefix});
    if (!network.internal) endpoint.gateways.push_back(block.gateway);
  }
  return {.endpoints = {endpoint}};
}

struct Greeter::Impl {
  UniqueFd tcp;
  UniqueFd udp;
  std::string banner;
  std::atomic<bool> stop{false};
  std::thread thread;

  void serve() {
    while (!stop) {
      std::array<pollfd, 2> wait{pollfd{tcp.get(), POLLIN, 0}, pollfd{udp.get(), POLLIN, 0}};
      if (poll(wait.data(), wait.size(), 20) <= 0) continue;
      sockaddr_storage peer{};
      socklen_t size = sizeof peer;
      if (wait[0].revents != 0) {
        const UniqueFd client(accept(tcp.get(), reinterpret_cast<sockaddr*>(&peer), &size));
        const std::string text = banner + " from " + peer_text(peer);
        (void)send(client.get(), text.data(), text.size(), MSG_NOSIGNAL);
        // The other side has closed its half by then; closing with unread bytes would reset.
        while (!read_some(client.get(), 1000).empty()) continue;
      }
      if (wait[1].revents != 0) {
        std::array<char, 64> ignored{};
        (void)recvfrom(udp.get(), ignored.data(), ignored.size(), 0, reinterpret_cast<sockaddr*>(&peer), &size);
        const std::string text = banner + " from " + peer_text(peer);
        (void)sendto(udp.get(), text.data(), text.size(), 0, reinterpret_cast<sockaddr*>(&peer), size);
      }
    }
  }
};

Greeter::Greeter(const Netns& where, uint16_t port, std::string banner) : impl_(new Impl) {
  impl_->banner = std::move(banner);
  in(where, [&]() -> Status {
    const Target to = target("::", port);  // and 0.0.0.0
    const int on = 1;
    impl_->tcp.reset(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    impl_->udp.reset(socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    setsockopt(impl_->tcp.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    for (const int fd : {impl_->tcp.get(), impl_->udp.get()}) {
      if (bind(fd, reinterpret_cast<const sockaddr*>(&to.storage), to.size) != 0)
        return berth::sys_error("bind", errno);
    }
    if (listen(impl_->tcp.get(), 64) != 0) return berth::sys_error("listen", errno);
    return {};
  });
  impl_->thread = std::thread([this] { impl_->serve(); });
}

Greeter::~Greeter() {
  impl_->stop = true;
  impl_->thread.join();
  delete impl_;
}

std::string greet_tcp(const Netns& from, const std::string& address, uint16_t port) {
  std::string answer;
  in(from, [&]() -> Status {
    const UniqueFd fd = connect_tcp(address, port);
    if (!fd.valid()) return {};
    shutdown(fd.get(), SHUT_WR);
    while (true) {
      const std::string part = read_some(fd.get(), 1000);
      if (part.empty()) return {};
      answer += part;
    }
  });
  return answer;
}

std::string ask_udp(const Netns& from, const std::string& message, const std::string& address, uint16_t port) {
  std::string answer;
  in(from, [&]() -> Status {
    const Target to = target(address, port);
    const UniqueFd fd(socket(to.storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    // Connected, so that a reply from the wrong address is not taken for one.
    if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&to.storage), to.size) != 0) return {};
    if (send(fd.get(), message.data(), message.size(), 0) < 0) return {};
    answer = read_some(fd.get(), 3000);
    return {};
  });
  return answer;
}

UdpClient::UdpClient(const Netns& from, const std::string& address, uint16_t port) {
  in(from, [&]() -> Status {
    const Target to = target(address, port);
    fd_.reset(socket(to.storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    (void)connect(fd_.get(), reinterpret_cast<const sockaddr*>(&to.storage), to.size);  // ask() finds out
    return {};
  });
}

std::string UdpClient::ask() {
  if (send(fd_.get(), "hello", 5, MSG_NOSIGNAL) < 0) return {};
  return read_some(fd_.get(), 1000);
}

std::string greet_udp(const Netns& from, const std::string& address, uint16_t port) {
  return UdpClient(from, address, port).ask();
}

std::string ask_tcp(const Netns& from, const std::string& bytes,
                    const std::function<bool(const std::string&)>& enough) {
  std::string answer;
  in(from, [&]() -> Status {
    const UniqueFd fd = connect_tcp("127.0.0.11", 53);
    if (!fd.valid()) return {};
    // In two pieces, so that a message is cut somewhere.
    const size_t half = bytes.size() / 2;
    (void)send(fd.get(), bytes.data(), half, MSG_NOSIGNAL);
    usleep(2000);
    (void)send(fd.get(), bytes.data() + half, bytes.size() - half, MSG_NOSIGNAL);
    while (!enough(answer)) {
      const std::string part = read_some(fd.get(), 3000);
      if (part.empty()) return {};
      answer += part;
    }
    return {};
  });
  return answer;
}

std::string leftovers(const Netns& where) {
  std::string out;
  in(where, [&]() -> Status {
    struct if_nameindex* all = if_nameindex();
    for (const auto* entry = all; entry != nullptr && entry->if_name != nullptr; ++entry) {
      out += std::string(entry->if_name) + " ";
    }
    if_freenameindex(all);
    BERTH_TRY(auto nft, berth::netns::NftLibrary::load());
    BERTH_TRY(const std::string tables, nft.query("list tables"));
    if (tables.find("berth") != std::string::npos) out += tables;
    return {};
  });
  return out;
}

}  // namespace lab
