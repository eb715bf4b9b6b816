#include "netns/dns_server.h"

#include <cerrno>
#include <unordered_map>

#include "netns/dns_listener.h"

namespace berth::netns {

class DnsServer::Impl {
 public:
  Impl(boost::asio::io_context& io, const Zone& zone, const DnsConfig& config)
      : core(std::make_shared<DnsCore>(io, zone, config)) {}

  std::shared_ptr<DnsCore> core;
  std::unordered_map<std::string, std::shared_ptr<DnsListener>> listeners;
};

DnsServer::DnsServer(boost::asio::io_context& io, const Zone& zone, DnsConfig config)
    : impl_(std::make_shared<Impl>(io, zone, config)) {}

DnsServer::~DnsServer() {
  for (auto& [key, listener] : impl_->listeners) listener->close();
}

Status DnsServer::add_listener(const std::string& key, sys::UniqueFd udp, sys::UniqueFd tcp, DnsView view) {
  if (!udp.valid() || !tcp.valid()) return sys_error("listen for DNS queries of " + key, EBADF);
  remove_listener(key);
  auto listener = std::make_shared<DnsListener>(impl_->core, std::move(udp), std::move(tcp), std::move(view));
  listener->start();
  impl_->listeners.emplace(key, std::move(listener));
  return {};
}

Status DnsServer::set_view(const std::string& key, DnsView view) {
  const auto entry = impl_->listeners.find(key);
  if (entry == impl_->listeners.end()) return sys_error("change DNS view of " + key, ENOENT);
  entry->second->set_view(std::move(view));
  return {};
}

void DnsServer::remove_listener(const std::string& key) {
  const auto entry = impl_->listeners.find(key);
  if (entry == impl_->listeners.end()) return;
  entry->second->close();
  impl_->listeners.erase(entry);
}

DnsServer::Counters DnsServer::counters() const {
  return impl_->core->counters;
}

}  // namespace berth::netns
