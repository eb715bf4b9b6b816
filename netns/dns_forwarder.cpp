#include "netns/dns_forwarder.h"

#include <algorithm>

#include "netns/dns_exchange.h"
#include "netns/resolv_conf.h"
#include "sys/file.h"

namespace berth::netns {
namespace {

constexpr size_t kMaxServers = 8;
const Address kOurselves = *Address::parse("127.0.0.11");  // asking 127.0.0.11 would go round for ever

}  // namespace

Forwarder::Forwarder(boost::asio::io_context& io, DnsConfig config) : io_(io), config_(std::move(config)) {}

void Forwarder::forward(ForwardRequest request) {
  const bool own_servers = !request.upstreams.empty();
  if (!own_servers) {
    follow_resolv_conf();
    request.netns = nullptr;
  }
  std::vector<Address> servers = in_order(own_servers ? request.upstreams : host_servers_);
  if (servers.empty() || in_flight_ >= config_.limits.queries_in_flight) {
    std::array<uint8_t, dns::kMaxUdpPlain> out{};
    request.reply(std::span(out).first(dns::write_error(out, request.message, dns::kServFail)));
    return;
  }
  ++in_flight_;
  start_exchange(shared_from_this(), std::move(request), std::move(servers));
}

void Forwarder::note(const Address& server, bool answered) {
  if (answered) {
    failed_at_.erase(server);
  } else {
    failed_at_[server] = std::chrono::steady_clock::now();
  }
}

void Forwarder::follow_resolv_conf() {
  // One stat(2) per forwarded query notices every way of replacing the file, also behind a symlink.
  struct stat now {};
  if (stat(config_.resolv_conf.c_str(), &now) != 0) return;  // being replaced: go on with what we have
  const auto key = [](const struct stat& s) {
    return std::tuple(s.st_dev, s.st_ino, s.st_size, s.st_mtim.tv_sec, s.st_mtim.tv_nsec);
  };
  if (key(now) == key(resolv_conf_stat_)) return;
  const auto text = sys::read_file(config_.resolv_conf, 1 << 20);
  if (!text.ok()) return;
  resolv_conf_stat_ = now;
  host_servers_ = parse_resolv_conf(*text).nameservers;
}

std::vector<Address> Forwarder::in_order(std::vector<Address> servers) const {
  std::erase(servers, kOurselves);
  if (servers.size() > kMaxServers) servers.resize(kMaxServers);
  const auto now = std::chrono::steady_clock::now();
  std::ranges::stable_partition(servers, [&](const Address& server) {
    const auto failed = failed_at_.find(server);
    return failed == failed_at_.end() || now - failed->second > config_.limits.demotion;
  });
  return servers;
}

}  // namespace berth::netns
